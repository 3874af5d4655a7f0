"""Baselines: their definitions, and that they learn from training rows only."""

from datetime import timedelta

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from domain.vocabulary import Task
from features.as_of.queries import of_tutors
from features.history.history import History
from models.evaluate.baselines import (
    BaselineRows,
    baselines,
    by_group,
    logistic_regression,
    own_departure_rate,
    own_no_show_rate,
    phase_1_rule,
)
from models.learners.calibration import expit
from tests.lib import histories as h

DAY = 86_400_000_000
BEGIN = int(h.BEGIN.timestamp()) * 1_000_000


def at(day: float) -> int:
    return BEGIN + int(day * DAY)


def session(tutor: str, day: int, status: str = "completed") -> h.Row:
    return {
        "session_id": f"{tutor}{day}",
        "tutor_id": tutor,
        "booked_at": h.BEGIN + timedelta(days=day - 2),
        "starts_at": h.BEGIN + timedelta(days=day),
        "status": status,
        "outcome_known_at": h.BEGIN + timedelta(days=day, hours=1),
    }


def moved(tutor: str, day: int, initiator: str = "tutor") -> h.Row:
    return {
        "reschedule_id": f"{tutor}{day}{initiator}",
        "tutor_id": tutor,
        "requested_at": h.BEGIN + timedelta(days=day),
        "initiator": initiator,
    }


def marketplace() -> History:
    """Ada reschedules two of twenty sessions and misses none, Ben reschedules four and misses five, Cleo is new."""
    sessions = [session("ada", day) for day in range(20)]
    sessions += [session("ben", day, "no_show" if day < 5 else "completed") for day in range(20)]
    reschedules = [moved("ada", day) for day in (3, 9)] + [moved("ben", day) for day in (3, 9, 12, 14)]
    reschedules += [moved("ada", day, "student") for day in range(10)]
    tutors = [{"tutor_id": name} for name in ("ada", "ben", "cleo")]
    return History(h.dataset({"tutors": tutors, "sessions": sessions, "reschedules": reschedules}))


EVERYBODY = of_tutors(np.array([0, 1, 2]), at(21))


def test_the_first_rule_calls_who_moved_more_than_15_of_100_sessions_by_themselves() -> None:
    train, labels = of_tutors(np.repeat([0, 1], 50), at(21)), np.repeat([0.0, 1.0], 50)
    ada, ben, cleo = phase_1_rule(marketplace(), train, labels, EVERYBODY)
    assert ada < 0.05  # rescheduled 10 of 100: in the group of training rows without positives
    assert ben > 0.95  # rescheduled 20 of 100
    assert cleo == pytest.approx(0.5)  # no history, and no similar training row


def test_moves_of_more_than_30_days_ago_are_forgotten() -> None:
    train, labels = of_tutors(np.repeat([0, 1], 50), at(21)), np.repeat([0.0, 1.0], 50)
    _, ben, _ = phase_1_rule(marketplace(), train, labels, of_tutors(np.array([0, 1, 2]), at(43)))
    assert ben < 0.05


def test_the_own_rate_lies_between_the_tutors_own_and_the_marketplaces() -> None:
    ada, ben, cleo = own_no_show_rate(marketplace(), EVERYBODY, np.zeros(3), EVERYBODY)
    assert 0 < ada < cleo < ben < 5 / 20
    assert cleo == pytest.approx(5 / 40)


def test_the_own_rate_of_a_test_row_knows_its_past_but_shrinks_as_the_training_rows_say() -> None:
    early = of_tutors(np.array([0, 1, 2]), at(2))
    _, ben, cleo = own_no_show_rate(marketplace(), early, np.zeros(3), EVERYBODY)
    assert cleo == pytest.approx(0.5)  # two of the four sessions known by then
    assert 5 / 20 < ben < 0.5


def test_the_departure_rate_is_that_of_those_as_long_without_a_session() -> None:
    history = marketplace()
    days = np.repeat(np.arange(20, 40), 50)
    train = of_tutors(np.zeros(days.size, np.int64), BEGIN + days * DAY)
    labels = (np.random.default_rng(0).random(days.size) < (days - 19) / 40).astype(float)
    soon, late, never = own_departure_rate(
        history, train, labels, of_tutors(np.array([0, 0, 2]), np.array([at(20), at(39), at(39)]))
    )
    assert soon == pytest.approx(1 / 40, abs=0.06)
    assert late == pytest.approx(20 / 40, abs=0.15)
    assert never == pytest.approx(labels.mean())


def test_small_groups_are_pulled_toward_all_and_large_ones_stay() -> None:
    values = np.repeat([0.0, 1.0, 2.0], [1000, 1000, 2])
    labels = np.concatenate([np.repeat([1.0, 0.0], [100, 900]), np.repeat([1.0, 0.0], [300, 700]), [1.0, 1.0]])
    low, high, rare = by_group(values, labels, np.array([0.0, 1, 2]), np.array([0.5, 1.5]))
    assert (low, high) == pytest.approx((0.1, 0.3), abs=0.01)
    assert 0.2 < rare < 0.8


def planted(n: int = 4000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Matrix and labels: informative values in column 1, informative gaps in 2, an empty and a constant column."""
    rng = np.random.default_rng(seed)
    tells, gap = rng.normal(50, 10, n), rng.random(n) < 0.3
    labels = (rng.random(n) < expit((tells - 50) / 10 + 1.5 * gap - 1.5)).astype(float)
    columns = [tells, np.where(gap, np.nan, rng.normal(0, 1e4, n)), np.full(n, np.nan), np.full(n, 7.0)]
    return np.column_stack(columns).astype(np.float32), labels


def test_logistic_regression_reads_values_and_gaps_and_is_calibrated() -> None:
    (train, labels), (test, later) = planted(), planted(seed=1)
    found = logistic_regression(train, labels, test)
    tells, gap = (test[:, 0] - 50) / 10, np.isnan(test[:, 1])
    ceiling = roc_auc_score(later, tells + 1.5 * gap)
    assert roc_auc_score(later, found) == pytest.approx(ceiling, abs=0.005)
    assert found.mean() == pytest.approx(later.mean(), abs=0.02)


def test_a_value_far_out_of_the_training_rows_changes_no_sign() -> None:
    train, labels = planted()
    wild = train[:2].copy()
    wild[:, 0] = (1e9, -1e9)
    high, low = logistic_regression(train, labels, wild)
    assert 1 > high > labels.mean() > low > 0


@pytest.mark.parametrize("task", list(Task))
def test_all_four_score_every_test_row_and_read_no_label_of_theirs(task: Task) -> None:
    history, (matrix, labels) = marketplace(), planted(200)
    queries = of_tutors(np.arange(200) % 3, at(21))
    test = BaselineRows(EVERYBODY, planted(3, seed=1)[0])
    found = baselines(task, history, BaselineRows(queries, matrix), labels, test)
    assert list(found) == ["base_rate", "phase_1_rule", "own_rate", "logistic_regression"]
    assert all(scores.shape == (3,) and (scores >= 0).all() and (scores <= 1).all() for scores in found.values())
    assert found["base_rate"] == pytest.approx(labels.mean())
