"""Frailty: a short record moves a forecast, a long one does not, and held-out rows choose its strength."""

import numpy as np
import pytest

from features.as_of.priors import Prior
from models.learners.calibration import expit, logit
from models.learners.frailty import COLUMNS, LONG, Frailty, choose, record, shift

PRIOR = Prior(rate=0.02, strength=30)


def columns(missed: np.ndarray, sessions: np.ndarray) -> np.ndarray:
    """Matrix with the two columns that frailty reads."""
    rate = PRIOR.shrink(missed, sessions)
    return np.column_stack([missed, rate]).astype(np.float32)


def test_a_record_worse_than_the_forecast_raises_it_and_a_better_one_lowers_it() -> None:
    margins = np.full(4, logit(np.array([0.04]))[0])
    missed, sessions = np.array([6.0, 0.0, 0.0, 40.0]), np.array([15.0, 15.0, 0.0, 1000.0])
    moved = expit(margins + shift(3, margins, missed, sessions))
    assert moved[0] > 0.08
    assert moved[1] < 0.04
    np.testing.assert_allclose(moved[2:], 0.04)  # no record, and one that the columns describe
    assert sessions[3] > LONG


def test_the_record_is_read_from_the_columns_of_the_model() -> None:
    missed, sessions = np.array([0.0, 6.0, 3.0]), np.array([0.0, 15.0, 80.0])
    found = record(columns(missed, sessions), COLUMNS, PRIOR)
    np.testing.assert_allclose(found, (missed, sessions), atol=1e-3)
    described = np.full((1, 2), np.nan, np.float32)
    assert Frailty(strength=3, prior=PRIOR).shift(np.zeros(1), described, COLUMNS) == 0


@pytest.mark.parametrize(("spread", "expected"), [(0.0, {None}), (1 / 3, {2.0, 3.0, 5.0})])
def test_the_strength_is_that_of_the_rows(spread: float, expected: set[float | None]) -> None:
    rng = np.random.default_rng(0)
    n = 20_000
    factor = rng.gamma(1 / spread, spread, n) if spread else np.ones(n)
    sessions = rng.integers(0, 60, n).astype(float)
    missed = rng.binomial(sessions.astype(int), np.minimum(0.1 * factor, 1)).astype(float)
    labels = (rng.random(n) < 0.1 * factor).astype(float)
    chosen = choose(np.full(n, logit(np.array([0.1]))[0]), labels, columns(missed, sessions), COLUMNS, PRIOR)
    assert (chosen and chosen.strength) in expected
