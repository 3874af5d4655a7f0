import numpy as np
import pytest

from domain.vocabulary import Task
from features.catalogue import CHURN_FEATURES, FEATURES, NO_SHOW_FEATURES
from insights.advice.actions import CHURN_STEPS, NO_SHOW_STEPS
from models.explain.groups import NO_HISTORY
from models.explain.what_if import CHANGES
from models.explain.words import describe


@pytest.mark.parametrize(
    ("column", "value", "typical", "words"),
    [
        ("no_shows_30d", 1.0, 0.0, "1 no-show in the last 30 days (usual 0)"),
        ("no_shows_30d", 3.0, 3.0, ""),
        ("no_show_rate", 0.284, 0.007, "about 28 % of sessions so far missed (usual 0.7 %)"),
        ("silence_hours", 31.0, 1.0, "31 hours since the tutor last wrote (usual 1 hour)"),
        ("tenure_days", 41.7, 300.0, "42 days on the platform (usual 300 days)"),
        ("rating_90d", 3.46, 4.2, "3.5 stars on average in the last 90 days (usual 4.2 stars)"),
        ("taught_hours_change", 0.4, 1.2, "40 % of the usual hours taught, in the last 30 days"),
        ("load_change_90d", 6.43, 1.2, "6.4 times the usual weekly sessions, in the last 14 days"),
        ("sessions_trend_4w", -0.42, 0.02, "0.4 fewer sessions each week, over 4 weeks (usual no change of sessions)"),
        ("weekday", 3.0, 1.0, "on a Thursday"),
        ("silence_hours", np.nan, 5.0, "no message from the tutor yet"),
        ("tenure_days", np.nan, 5.0, ""),
        ("cups_of_tea", 4.0, 2.0, "cups of tea: 4 (usual 2)"),
    ],
)
def test_a_value_is_said_as_a_person_would(column: str, value: float, typical: float, words: str) -> None:
    assert describe(column, value, typical) == words


def test_every_theme_has_an_action() -> None:
    facts = {"booking"}  # nobody can act on the time at which a session was booked
    assert {f.theme for f in NO_SHOW_FEATURES} - facts | {NO_HISTORY} <= set(NO_SHOW_STEPS)
    assert {f.theme for f in CHURN_FEATURES} <= set(CHURN_STEPS)


def test_every_feature_is_read_by_a_model_and_its_shares_and_times_of_week_have_counts() -> None:
    assert all(f.models for f in FEATURES.values())
    shares = {f.name for f in FEATURES.values() if f.counts}
    assert {f.share for f in FEATURES.values() if f.share} <= shares
    assert {f.name for f in FEATURES.values() if f.when} <= shares
    assert all((f.when is not None) == ("{when}" in f.counts.sentence) for f in FEATURES.values() if f.counts)


def test_every_change_touches_columns_of_its_model() -> None:
    for features, changes in ((NO_SHOW_FEATURES, CHANGES[Task.NO_SHOW]), (CHURN_FEATURES, CHANGES[Task.CHURN])):
        names = {f.name for f in features}
        assert all(names & set(change.columns) for change in changes)
    assert {name for changes in CHANGES.values() for change in changes for name in change.columns} <= set(FEATURES)
