"""The level a page shows is the level it filters by and the API answers."""

from datetime import UTC, datetime

from domain.scores import Score
from domain.vocabulary import ScoreKind, SubjectKind
from store.scores.ranking import RankedTutor, Risk, TutorProfile
from ui.parts.rendering import piece

NOW = datetime(2026, 11, 23, tzinfo=UTC)
VALUE, LOW, HIGH, ACT_FROM = 0.87, 0.77, 0.93, 0.91


def test_a_tutor_below_where_act_begins_is_listed_as_one_to_watch() -> None:
    help_ = Risk(VALUE, LOW, HIGH)
    row = RankedTutor("t1", "Ada", None, help_, None, None, (), None, "no_show/1", NOW, ACT_FROM)
    page = str(piece("ranking.html", rows=[(1, row)]).object)
    assert "Watch" in page
    assert "Act now" not in page


def test_and_is_one_to_watch_on_their_own_page() -> None:
    score = Score(
        subject_kind=SubjectKind.TUTOR,
        subject_id="t1",
        kind=ScoreKind.HELP,
        value=VALUE,
        low=LOW,
        high=HIGH,
        act_from=ACT_FROM,
        model_version="no_show/1",
        as_of=NOW,
    )
    tutor = TutorProfile("t1", "Ada", None, None, None)
    page = str(piece("tutor.html", tutor=tutor, zone="UTC", scores=[score], action=None, without_scores="").object)
    assert "Watch" in page
    assert "Act now" not in page
