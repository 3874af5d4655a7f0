"""Calibration on planted lines, and coverage of its intervals."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models.learners import calibration
from models.learners.calibration import Calibration, expit, logit
from tests.lib.scored import simulated

Values = NDArray[np.float64]


def test_calibration_recovers_a_planted_slope_and_intercept() -> None:
    rng = np.random.default_rng(4)
    margins = rng.normal(0, 1.5, 40_000)
    labels = (rng.random(margins.size) < expit(0.6 * margins - 1.2)).astype(float)
    found = calibration.fit(margins, labels, np.arange(margins.size))
    assert found.slope == pytest.approx(0.6, abs=3 * found.var_slope**0.5)
    assert found.intercept == pytest.approx(-1.2, abs=3 * found.var_intercept**0.5)
    assert found.var_slope**0.5 < 0.02


def test_calibration_keeps_order_and_mean() -> None:
    labels, scores, clusters = simulated(6)
    found = calibration.fit(logit(scores) * 3, labels, clusters)
    calibrated = found.probability(logit(scores) * 3)
    assert (np.argsort(calibrated, kind="stable") == np.argsort(scores, kind="stable")).all()
    assert calibrated.mean() == pytest.approx(labels.mean(), abs=1e-6)


def test_clustered_rows_widen_the_interval_of_a_score() -> None:
    labels, scores, clusters = simulated(7, spread=1.5)
    margins = logit(scores)

    def reach(of: NDArray[np.int64]) -> float:
        low, high = calibration.fit(margins, labels, of).interval(np.array([-1.0]))
        return float(high[0] - low[0])

    assert reach(clusters) > 1.5 * reach(np.arange(labels.size))


def test_the_interval_of_a_score_covers_the_true_probability() -> None:
    covered = 0
    for seed in range(60):
        labels, scores, clusters = simulated(100 + seed)
        low, high = calibration.fit(logit(scores), labels, clusters).interval(np.array([-2.0, 0.0]))
        covered += int(low[0] <= expit(np.array(-2.0)) <= high[0]) + int(low[1] <= 0.5 <= high[1])
    assert covered >= 104  # of 120; 95 % expected


def test_calibration_of_separable_rows_stays_finite() -> None:
    margins = np.array([-2.0, -1.0, 1.0, 2.0])
    found = calibration.fit(margins, (margins > 0).astype(float), np.arange(4))
    assert np.isfinite([found.slope, found.intercept, found.var_slope, found.var_intercept]).all()
    assert found.probability(margins)[-1] > 0.99


def test_no_calibration_changes_nothing() -> None:
    margins = np.array([-800.0, -1.0, 0.0, 800.0])
    np.testing.assert_allclose(Calibration().probability(margins), [0, 1 / (1 + np.e), 0.5, 1], atol=1e-12)
    low, high = Calibration().interval(margins)
    np.testing.assert_array_equal(low, high)


def test_log_odds_and_probabilities_are_inverse() -> None:
    values = np.array([1e-6, 0.2, 0.5, 0.999])
    np.testing.assert_allclose(expit(logit(values)), values)
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()
