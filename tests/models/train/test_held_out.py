"""Held-out rows: calibration windows, and the steps back that they call for."""

import numpy as np
import pytest

from domain.errors import NotEnoughData
from features.as_of.queries import of_tutors
from features.history.history import History
from models.examples.rows import (
    Examples,
    no_show_examples,
    no_show_rows,
)
from models.learners.boosting import Params, Shape
from models.learners.calibration import expit
from models.train.held_out import NO_RANKING, HeldOutFit, Step, fit_before, window
from models.train.training import default_cut
from tests.lib.planted_market import BEGIN, DAY


def test_the_calibrator_is_learnt_on_rows_later_than_all_its_model_knew(market: tuple[History, np.ndarray]) -> None:
    rows = no_show_rows(market[0])
    cut = default_cut(rows)
    parts = window(no_show_examples(rows, cut), cut)
    assert parts.examples.known_at[parts.earlier].max() < parts.examples.as_of[parts.later].min()
    assert not (parts.earlier & parts.later).any()


def test_a_calibration_window_of_one_class_says_so() -> None:
    days = BEGIN + np.arange(1000) * DAY
    label = (np.arange(1000) % 2 == 0).astype(float)
    label[700:] = 0
    examples = Examples(of_tutors(np.zeros(1000, np.int64), days), np.arange(1000), label, days + DAY)
    with pytest.raises(NotEnoughData, match="to calibrate on, 0 of them positive"):
        window(examples, int(days[-1]) + 2 * DAY)


def step_of(labels: np.ndarray, columns: np.ndarray, tutors: np.ndarray, **settings: int) -> HeldOutFit:
    """Fit of rows in time order whose labels are known a day later."""
    days = BEGIN + np.arange(labels.size) * DAY // 50
    examples = Examples(of_tutors(tutors, days), np.arange(labels.size), labels, days + DAY)
    parts = window(examples, int(days[-1]) + 2 * DAY)
    params: Params = {"objective": "binary:logistic", "rounds": 30, "eta": 0.1, "max_depth": 3, "seed": 0, **settings}
    return fit_before(lambda fitted_to: columns, parts, params, Shape([0] * columns.shape[1]))


def test_a_fit_falls_back_from_trees_to_the_line_to_the_base_rate_and_says_why() -> None:
    rng = np.random.default_rng(0)
    columns = np.asfortranarray(rng.normal(size=(6000, 3)).astype(np.float32))
    tutors = rng.integers(0, 300, 6000)

    def fit_to(log_odds: np.ndarray, **settings: int) -> HeldOutFit:
        return step_of((rng.random(6000) < expit(log_odds - 2)).astype(float), columns, tutors, **settings)

    bent = fit_to(2 * np.abs(columns[:, 0]) * np.sign(columns[:, 1]))
    assert (bent.step, bent.why) == (Step.TREES, "")
    assert bent.fitted is not None
    straight = fit_to(0.5 * columns[:, 0], eta=1, max_depth=8)  # trees that only overfit
    assert (straight.step, straight.chosen) == (Step.LINE, {"start": "line", "rounds": 0})
    assert straight.why
    silent = fit_to(np.zeros(6000))
    assert silent.step is Step.BASE_RATE
    assert not silent.has_signal
    assert silent.why


def test_a_line_that_four_fifths_of_the_tutors_support_is_kept_where_the_latest_rows_are_too_few() -> None:
    rng = np.random.default_rng(0)
    columns = np.asfortranarray(rng.normal(size=(6000, 3)).astype(np.float32))
    labels = (rng.random(6000) < expit(0.35 * columns[:, 0] - 3)).astype(float)
    labels[4500:] = rng.permutation(labels[4500:])  # the calibration window alone shows no signal
    fitted = step_of(labels, columns, rng.integers(0, 300, 6000))
    assert (fitted.step, fitted.why, fitted.fitted) == (Step.LINE, NO_RANKING, None)
