"""Explanations: they sum to the score, name the tutor's own numbers, and say what would change it most."""

from datetime import UTC, datetime, timedelta
from itertools import product

import numpy as np
import pytest
import xgboost as xgb

from domain.vocabulary import Task
from features.as_of.priors import Prior, Priors
from features.as_of.queries import Queries, of_sessions
from features.history.history import History
from models.artifact.matrix import matrix_of
from models.artifact.model import Model, seal
from models.explain.explanation import NO_HISTORY, NO_HISTORY_WORDS, explain
from models.explain.own_numbers import OwnNumbers, own_numbers
from models.explain.what_if import moved, variants, what_ifs
from models.learners import hazard
from models.learners.calibration import Calibration, logit
from models.learners.logistic import fit_linear
from models.learners.tree_shap import DEEPEST, forest_of
from tests.lib.small_dataset import NOON, dataset, session

RNG = np.random.default_rng(5)
ROWS = 900
"""More than one block of the compiled kernel."""


def _columns(n: int) -> np.ndarray:
    columns = np.round(RNG.normal(size=(ROWS, n)), 1).astype(np.float32)
    columns[RNG.random(columns.shape) < 0.1] = np.nan
    return np.asfortranarray(columns)


def _booster(columns: np.ndarray, depth: int, rounds: int = 12, **params: float) -> xgb.Booster:
    log_odds = np.nan_to_num(columns[:, :5]).sum(axis=1) - 1
    labels = RNG.random(len(columns)) < 1 / (1 + np.exp(-log_odds))
    settings = {"objective": "binary:logistic", "max_depth": depth, "min_child_weight": 0.1, **params}
    return xgb.train(settings, xgb.DMatrix(columns, labels), rounds)


@pytest.mark.parametrize(("depth", "n_columns"), [*product((0, 1, 3, 6, 8), (1, 4, 12))])
def test_the_compiled_contributions_are_those_of_xgboost(depth: int, n_columns: int) -> None:
    columns = _columns(n_columns)
    booster = _booster(columns, depth, base_score=0.3) if depth else _booster(columns, 1, 1, gamma=1e9)
    forest = forest_of(booster)
    assert forest is not None
    expected = booster.predict(xgb.DMatrix(columns), pred_contribs=True)
    np.testing.assert_allclose(forest.contributions(columns), expected, atol=2e-5)


def test_trees_too_deep_for_a_table_are_left_to_xgboost() -> None:
    columns = _columns(20)
    booster = _booster(columns, DEEPEST + 4)
    assert forest_of(booster) is None
    model = _model(booster, features=("no_show_rate",) * 20)
    expected = booster.predict(xgb.DMatrix(columns), pred_contribs=True)
    np.testing.assert_allclose(model.contributions(columns), expected, atol=2e-5)


def _model(booster: xgb.Booster, **sidecar: object) -> Model:
    prior = Prior(rate=0.1, strength=5)
    given: dict[str, object] = {
        "task": Task.NO_SHOW,
        "features": ("no_show_rate", "silence_hours", "messages_7d"),
        "attributes": (),
        "priors": Priors(**dict.fromkeys(Priors.model_fields, prior)),
        "calibration": Calibration(),
        "base_rate": 0.5,
        "known_before": NOON,
        "data_fingerprint": "f" * 64,
    }
    given |= sidecar
    return seal(booster, typical=(0.1,) * len(given["features"]), **given)  # type: ignore[arg-type]


def test_contributions_and_base_sum_to_the_calibrated_log_odds_of_no_show() -> None:
    columns = _columns(3)
    labels = (np.nan_to_num(columns).sum(axis=1) > 0.5).astype(float)
    linear = fit_linear(columns, labels, (0, 0, 0), 0, seed=1)
    data = xgb.DMatrix(columns, labels, base_margin=linear.log_odds(columns))
    booster = xgb.train({"objective": "binary:logistic", "base_score": 0.5, "max_depth": 3}, data, 10)
    model = _model(booster, linear=linear, calibration=Calibration(slope=0.8, intercept=-0.4))
    sums = model.contributions(columns).sum(axis=1)
    np.testing.assert_allclose(sums, 0.8 * model.margins(columns) - 0.4, atol=1e-5)
    np.testing.assert_allclose(sums, logit(model.probabilities(columns)), atol=1e-5)


def test_contributions_and_base_of_a_hazard_sum_to_its_periods_log_odds_weighted_by_the_hazard() -> None:
    periods = (0, 7, 14, 30, 60, 90)
    columns = _columns(3)
    design = hazard.with_period(columns, RNG.integers(0, 5, ROWS).astype(np.int8))
    model = _model(_booster(design, 3), task=Task.CHURN, periods=periods, horizon=30,
                   calibration=Calibration(slope=1.2, intercept=0.3))  # fmt: skip
    log_odds = 1.2 * model.margins(columns)[:, :3] + 0.3
    weights = 1 / (1 + np.exp(-log_odds))
    expected = (log_odds * weights).sum(axis=1) / weights.sum(axis=1)
    np.testing.assert_allclose(model.contributions(columns).sum(axis=1), expected, atol=1e-5)


def _told(contributions: list[float], values: list[float], numbers: OwnNumbers | None = None) -> list[tuple[str, str]]:
    """Themes and texts for one row with these contributions."""
    matrix = np.array([values], np.float32)
    found = np.array([[*contributions, 0.0]])
    model = _model(_booster(_columns(3), 1, 1), task=Task.CHURN)
    (reasons,) = explain(model, matrix, numbers, found)
    return [(reason.theme, reason.text) for reason in reasons]


def test_reasons_come_by_theme_those_that_raise_first_and_small_ones_not_at_all() -> None:
    themes = [theme for theme, _ in _told([-0.9, 0.2, 0.3], [0.3, 40, 2])]
    assert themes == ["silence", "no-shows"]
    assert _told([0.09, 0.03, -0.1], [0.3, 40, 2]) == []


def test_a_theme_is_told_by_the_column_that_moves_it_most_its_own_way() -> None:
    assert _told([0.0, -0.6, 0.9], [0.3, 40, 2]) == [("silence", "2 messages written in the last 7 days (usual: 0)")]
    assert _told([0.0, -0.9, 0.6], [0.3, 40, 2]) == [
        ("silence", "40 hours since the tutor last wrote (usual: 0 hours)")
    ]


def test_a_share_is_told_by_the_tutors_own_counts() -> None:
    numbers = OwnNumbers({"no_show_rate": (np.array([3.0]), np.array([9.0]))}, np.array([False]))
    said = [("no-shows", "3 of 9 sessions so far were missed; usual: 1 in 10")]
    assert _told([0.9, 0, 0], [0.3, 40, 2], numbers) == said
    model = _model(_booster(_columns(2), 1, 1), features=("no_shows_lifetime", "no_show_rate"))
    (reasons,) = explain(model, np.array([[3, 0.3]], np.float32), numbers, np.array([[0.9, 0, 0]]))
    assert [reason.text for reason in reasons] == ["3 of 9 sessions so far were missed; usual: 1 in 10"]


def test_of_a_tutor_without_a_session_only_what_is_known_is_told() -> None:
    numbers = OwnNumbers({"no_show_rate": (np.array([0.0]), np.array([0.0]))}, np.array([True]))
    assert _told([0.9, 0.3, -0.1], [0.1, np.nan, 0], numbers) == [(NO_HISTORY, NO_HISTORY_WORDS)]


def test_the_change_is_that_which_lowers_the_risk_most_and_none_below_a_point() -> None:
    model = _model(_booster(_columns(3), 1, 1), task=Task.CHURN)
    matrix = np.array([[0.1, 50, 2], [0.1, 0.2, 2], [0.1, 50, 2]], np.float32)

    def risk(of: np.ndarray) -> np.ndarray:
        return np.asarray(np.array([0.1, 0.1, 0.1]) + np.array([0.006, 0.006, 0.0001]) * of[:, 1])

    first, second, third = what_ifs(risk, matrix, variants(model.sidecar, matrix, len(matrix)))
    assert first is not None
    assert first.change == "the tutor writes a message today"
    assert [first.value, first.difference] == pytest.approx([0.1, -0.3])
    assert second is None
    assert third is None


def _history() -> History:
    """Ann misses 2 of 3 on Thursday evenings and none of 4 on Tuesday mornings; tomorrow is a Thursday; Ben is new."""
    thursday = datetime(2026, 3, 5, 19, tzinfo=UTC)
    evenings = [(thursday + timedelta(weeks=n), "no_show" if n < 2 else "completed") for n in range(3)]
    mornings = [(thursday + timedelta(weeks=n, days=-2, hours=-10), "completed") for n in range(4)]
    past = [
        session(f"x{n}", "ann", booked_at=at - timedelta(days=5), starts_at=at, ends_at=None, status=status,
                outcome_known_at=at + timedelta(hours=1))
        for n, (at, status) in enumerate([*evenings, *mornings])
    ]  # fmt: skip
    booked = {"starts_at": ASKED + timedelta(hours=24), "booked_at": ASKED - timedelta(days=1), "ends_at": None}
    ahead = [session(f"next-{tutor}", tutor, status="booked", **booked) for tutor in ("ann", "ben")]
    tutors = [{"tutor_id": "ann", "timezone": "UTC"}, {"tutor_id": "ben", "timezone": "UTC"}]
    return History(dataset((), tutors=tutors, sessions=[*past, *ahead]))


ASKED = datetime(2026, 3, 25, 19, tzinfo=UTC)
SLOT = ("own_slot_no_show_rate", "weekday", "hour")


def _asked(history: History) -> Queries:
    ids = history.dataset.tables["sessions"]["session_id"].to_pylist()
    rows = np.array([ids.index("next-ann"), ids.index("next-ben")])
    return of_sessions(history.sessions, rows, round(ASKED.timestamp() * 1e6))


def test_the_own_numbers_are_the_raw_counts_at_that_time_of_the_week() -> None:
    history = _history()
    model = _model(_booster(_columns(3), 1, 1), features=SLOT)
    queries = _asked(history)
    numbers = own_numbers(model.sidecar, history, queries)
    events, sessions = numbers.counts["own_slot_no_show_rate"]
    assert (events.tolist(), sessions.tolist()) == ([2, 0], [3, 0])
    matrix = matrix_of(model.sidecar, history, queries)
    ann, ben = explain(model, matrix, numbers, np.array([[0.9, 0.1, 0.1, 0], [0.9, 0.1, 0.1, 0]]))
    assert ann[0].text == "2 of 3 Thursday evening sessions so far were missed; usual: 1 in 10"
    assert [reason.text for reason in ben] == [NO_HISTORY_WORDS, "on a Thursday"]


def test_a_session_moves_to_the_time_its_tutor_keeps_and_stays_where_there_is_no_better() -> None:
    history = _history()
    model = _model(_booster(_columns(3), 1, 1), features=SLOT)
    queries = _asked(history)
    matrix = matrix_of(model.sidecar, history, queries)
    words, changed = moved(model.sidecar, matrix, history, queries)
    assert words[0] == "the session moves to a Tuesday morning, the tutor's most reliable time"
    assert changed[0, 0] < matrix[0, 0]
    assert changed[0, 1:].tolist() == [1, 9]
    np.testing.assert_array_equal(changed[1], matrix[1])
