import numpy as np
import pytest

from domain.scores import Reason, Score
from domain.vocabulary import ScoreKind, SubjectKind, Task
from features.catalogue import CHURN_FEATURES, NO_SHOW_FEATURES
from insights.advice.actions import CHURN_ACTIONS, DEFAULT_ACTION, NO_ACTION, NO_SHOW_ACTIONS, action_for
from insights.advice.ranking import help_scores
from models.explain.explanation import NO_HISTORY
from models.explain.own_numbers import PLACES, TWINS
from models.explain.shares import COUNTED, describe_share, one_in
from models.explain.what_if import CHANGES, TIMED
from models.explain.words import PHRASES, describe
from tests.lib.small_dataset import NOON


@pytest.mark.parametrize(
    ("column", "value", "typical", "words"),
    [
        ("no_shows_30d", 1.0, 0.0, "1 no-show in the last 30 days (usual: 0)"),
        ("no_shows_30d", 3.0, 3.0, "3 no-shows in the last 30 days"),
        ("no_show_rate", 0.284, 0.007, "about 28 % of sessions so far missed (usual: 0.7 %)"),
        ("silence_hours", 31.0, 1.0, "31 hours since the tutor last wrote (usual: 1 hour)"),
        ("tenure_days", 41.7, 300.0, "42 days on the platform (usual: 300 days)"),
        ("rating_90d", 3.46, 4.2, "3.5 stars on average in the last 90 days (usual: 4.2 stars)"),
        ("taught_hours_change", 0.4, 1.2, "40 % of the usual hours taught, in the last 30 days"),
        ("weekday", 3.0, 1.0, "on a Thursday"),
        ("silence_hours", np.nan, 5.0, "the tutor never wrote"),
        ("cups_of_tea", 4.0, 2.0, "cups of tea: 4"),
    ],
)
def test_a_value_is_said_as_a_person_would(column: str, value: float, typical: float, words: str) -> None:
    assert describe(column, value, typical) == words


def test_every_feature_has_words_and_every_theme_an_action() -> None:
    assert {f.name for f in (*NO_SHOW_FEATURES, *CHURN_FEATURES)} == set(PHRASES)
    facts = {"booking"}  # when a session was booked is nothing anyone can act on
    assert {f.theme for f in NO_SHOW_FEATURES} - facts | {NO_HISTORY} <= set(NO_SHOW_ACTIONS)
    assert {f.theme for f in CHURN_FEATURES} <= set(CHURN_ACTIONS)


@pytest.mark.parametrize(
    ("column", "events", "sessions", "place", "words"),
    [
        ("own_slot_no_show_rate", 3, 9, "Thursday evening", "3 of 9 Thursday evening sessions so far were missed"),
        ("no_show_rate", 1, 1, "", "1 of 1 session so far was missed"),
        ("illness_share_90d", 2, 1234, "", "2 of 1,234 reschedules of the last 90 days were because of illness"),
    ],
)
def test_a_share_is_said_by_its_counts(column: str, events: int, sessions: int, place: str, words: str) -> None:
    assert describe_share(column, events, sessions, 0.2, 1 / 30, place) == f"{words}; usual: 1 in 30"


def test_a_share_of_nothing_yet_is_the_marketplaces() -> None:
    said = describe_share("own_slot_no_show_rate", 0, 0, 1 / 143, 1 / 30, "Thursday evening")
    assert said == "no Thursday evening sessions so far: the marketplace's usual, 1 in 140"
    assert describe_share("late_share", 0, 0, np.nan, 0.1) == "no start timed yet"


@pytest.mark.parametrize(("share", "words"), [(0.0, "none"), (0.007, "1 in 140"), (1 / 3, "1 in 3"), (0.62, "6 in 10")])
def test_a_share_is_counted_as_people_do(share: float, words: str) -> None:
    assert one_in(share) == words


def test_every_share_with_counts_has_words_for_them_and_every_column_named_is_one() -> None:
    shares = {f.name for f in (*NO_SHOW_FEATURES, *CHURN_FEATURES) if f.evidence}
    assert shares == set(COUNTED)
    assert set(TWINS.values()) | set(PLACES) <= shares
    for features, changes in ((NO_SHOW_FEATURES, CHANGES[Task.NO_SHOW]), (CHURN_FEATURES, CHANGES[Task.CHURN])):
        names = {f.name for f in features}
        assert all(names & set(change.columns) for change in changes)
    assert set(TWINS) | TIMED | {name for of in CHANGES.values() for c in of for name in c.columns} <= set(PHRASES)


def score(kind: ScoreKind, value: float, theme: str = "silence", tutor: str = "T1") -> Score:
    reason = Reason(theme=theme, text=theme, effect=0.5)
    return Score(
        subject_kind=SubjectKind.TUTOR, subject_id=tutor, kind=kind, value=value, low=value / 2, high=(1 + value) / 2,
        reasons=(reason,), model_version=f"{kind}/1", as_of=NOON,
    )  # fmt: skip


def test_help_is_the_chance_of_either_and_ranks_highest_first() -> None:
    no_show = [score(ScoreKind.NO_SHOW_14D, 0.5), score(ScoreKind.NO_SHOW_14D, 0.9, tutor="T2")]
    churn = [score(ScoreKind.CHURN_30D, 0.2, theme="quality")]
    first, second = help_scores(no_show, churn)
    assert (first.subject_id, second.subject_id) == ("T2", "T1")
    assert second.value == pytest.approx(1 - 0.5 * 0.8)
    assert [r.theme for r in second.reasons] == ["silence", "quality"]
    assert second.model_version == "churn_30d/1 + no_show_14d/1"


def test_what_to_do_follows_the_strongest_reason_of_the_larger_risk() -> None:
    assert action_for(score(ScoreKind.NO_SHOW_14D, 0.6)) == NO_SHOW_ACTIONS["silence"]
    assert action_for(score(ScoreKind.CHURN_30D, 0.6)) == CHURN_ACTIONS["silence"]
    assert action_for(score(ScoreKind.CHURN_30D, 0.6, theme="moon")) == DEFAULT_ACTION
    assert action_for(score(ScoreKind.CHURN_30D, 0.1)) == NO_ACTION
