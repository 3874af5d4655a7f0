"""Score bands: shown, filtered and returned by the API consistently."""

from datetime import UTC, datetime

from domain.scores import Score
from domain.vocabulary import ScoreKind, SubjectKind
from store.scores.ranking import TutorProfile
from store.scores.tutor_list import ListedTutor
from ui.parts.rendering import piece

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ACT_FROM = 0.91
HELP = Score(
    subject_kind=SubjectKind.TUTOR,
    subject_id="t1",
    kind=ScoreKind.HELP,
    value=0.87,
    low=0.77,
    high=0.93,
    act_from=ACT_FROM,
    model_version="no_show/1",
    as_of=NOW,
)


def test_a_tutor_below_where_act_begins_is_listed_as_one_to_watch() -> None:
    row = ListedTutor("t1", "Ada", None, True, {ScoreKind.HELP: HELP})
    page = str(piece("ranking.html", rows=[(1, row)]).object)
    assert "Watch" in page
    assert "Act now" not in page


def test_and_is_one_to_watch_on_their_own_page() -> None:
    tutor = TutorProfile("t1", "Ada", None, None, None)
    page = str(piece("tutor.html", tutor=tutor, zone="UTC", scores=[HELP], action=None, without_scores="").object)
    assert "Watch" in page
    assert "Act now" not in page
