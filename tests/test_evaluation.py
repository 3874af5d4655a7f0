"""Figures against scikit-learn, intervals against what they must cover, calibration against planted lines."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from domain.horizons import WATCH_RISK
from models import calibration
from models.calibration import Calibration, expit, logit
from models.evaluation import _figures, _rank, auc_gain, bootstrap_weights, curves, figures, figures_with_intervals

Values = NDArray[np.float64]

scored = st.lists(st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, 3)), min_size=2, max_size=60)


def both_classes(labels: Values, weights: Values) -> bool:
    return 0 < weights @ labels < weights.sum()


@settings(deadline=None)
@given(scored)
def test_figures_equal_scikit_learns_with_ties_and_weights(rows: list[tuple[bool, int, int]]) -> None:
    labels, tenths, weights = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    scores = tenths / 10
    ranked = _rank(labels, scores)
    found = _figures(ranked, weights[ranked.order])
    if not both_classes(labels, weights):
        assert found == {}
        return
    assert found["roc_auc"] == pytest.approx(roc_auc_score(labels, scores, sample_weight=weights))
    assert found["pr_auc"] == pytest.approx(average_precision_score(labels, scores, sample_weight=weights))
    assert found["brier"] == pytest.approx(brier_score_loss(labels, scores, sample_weight=weights))


@settings(deadline=None)
@given(scored)
def test_a_weight_counts_a_row_that_often(rows: list[tuple[bool, int, int]]) -> None:
    labels, tenths, weights = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    repeated = np.repeat(np.arange(labels.size), weights.astype(int))
    if not both_classes(labels, weights):
        return
    ranked = _rank(labels, tenths / 10)
    weighted = _figures(ranked, weights[ranked.order])
    repeats = figures(labels[repeated], tenths[repeated] / 10)
    for name in set(weighted) - {"ece"}:  # a bin's border may fall inside a weighted row
        assert repeats[name].value == pytest.approx(weighted[name], nan_ok=True), name


def test_brier_skill_is_nought_for_the_base_rate_and_one_for_the_truth() -> None:
    labels = np.array([0.0, 1, 0, 0])
    assert figures(labels, np.full(4, 0.25))["brier_skill"].value == pytest.approx(0)
    assert figures(labels, labels)["brier_skill"].value == pytest.approx(1)


def test_calibration_error_by_hand() -> None:
    scores = np.repeat(np.arange(10) / 10, 2)
    labels = np.tile([0.0, 1.0], 10)
    by_hand = np.mean([abs(s - 0.5) for s in np.arange(10) / 10])
    assert figures(labels, scores)["ece"].value == pytest.approx(by_hand)


def test_precision_and_recall_at_the_top_and_at_the_flag_by_hand() -> None:
    scores = np.linspace(0.99, 0.0, 100)
    labels = np.zeros(100)
    labels[[0, 1, 2, 7, 50]] = 1
    found = {name: figure.value for name, figure in figures(labels, scores).items()}
    assert found["precision_at_5"] == pytest.approx(3 / 5)
    assert found["recall_at_10"] == pytest.approx(4 / 5)
    flagged = scores >= WATCH_RISK
    assert found["precision_at_flag"] == pytest.approx(labels[flagged].mean())
    assert found["recall_at_flag"] == pytest.approx(1)


def test_ties_at_the_border_count_in_proportion() -> None:
    labels = np.array([1.0] * 30 + [0.0] * 70)
    found = figures(labels, np.full(100, 0.3))
    assert found["precision_at_5"].value == pytest.approx(0.3)
    assert found["recall_at_20"].value == pytest.approx(0.2)
    assert found["roc_auc"].value == pytest.approx(0.5)


def test_nobody_flagged_has_no_precision_and_no_recall() -> None:
    found = figures(np.array([0.0, 1.0]), np.array([0.01, 0.02]))
    assert np.isnan(found["precision_at_flag"].value)
    assert found["recall_at_flag"].value == 0


@pytest.mark.parametrize("labels", [[0.0, 0.0], [1.0, 1.0]])
def test_one_class_alone_has_no_figures(labels: list[float]) -> None:
    assert figures(np.array(labels), np.array([0.1, 0.2])) == {}


def simulated(
    seed: int, n_clusters: int = 80, size: int = 20, spread: float = 0.0
) -> tuple[Values, Values, NDArray[np.int64]]:
    """(labels, true probabilities without the cluster's own shift, clusters)."""
    rng = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(n_clusters), size)
    margins = rng.normal(-1, 1, clusters.size)
    shift = rng.normal(0, spread, n_clusters)[clusters] if spread else 0.0
    labels = (rng.random(clusters.size) < expit(margins + shift)).astype(float)
    return labels, expit(margins), clusters


def test_the_bootstrap_interval_covers_the_true_auc() -> None:
    labels, scores, _ = simulated(0, n_clusters=4000, size=50)
    truth = figures(labels, scores)["roc_auc"].value
    covered = 0
    for seed in range(1, 41):
        interval = figures_with_intervals(*simulated(seed), seed=seed, repeats=100)["roc_auc"]
        assert interval.low < interval.value < interval.high
        covered += interval.low <= truth <= interval.high
    assert covered >= 34  # of 40; 95 % expected


def test_rows_of_one_tutor_that_go_together_widen_the_interval() -> None:
    labels, scores, clusters = simulated(3, spread=1.5)

    def width(of: NDArray[np.int64]) -> float:
        found = figures_with_intervals(labels, scores, of, seed=1, repeats=200)["brier"]
        return found.high - found.low

    assert width(clusters) > 1.3 * width(np.arange(labels.size))


def test_intervals_are_the_same_for_the_same_seed_and_any_names_of_clusters() -> None:
    labels, scores, clusters = simulated(5)
    first = figures_with_intervals(labels, scores, clusters, seed=9, repeats=20)
    assert figures_with_intervals(labels, scores, clusters * 7 + 3, seed=9, repeats=20) == first
    assert figures_with_intervals(labels, scores, clusters, seed=10, repeats=20) != first


def test_the_bootstrap_draws_as_many_tutors_as_there_are() -> None:
    drawn = bootstrap_weights(np.array([0, 0, 1, 2]), repeats=7, seed=0)
    assert drawn.shape == (7, 3)
    assert (drawn.sum(axis=1) == 3).all()


def test_the_gain_is_the_difference_in_auc_and_its_interval_is_paired() -> None:
    labels, scores, clusters = simulated(2)
    noisy = expit(logit(scores) + np.random.default_rng(0).normal(0, 1, scores.size))
    gain = auc_gain(labels, scores, noisy, clusters, seed=0, repeats=100)
    assert gain.value == pytest.approx(roc_auc_score(labels, scores) - roc_auc_score(labels, noisy))
    assert 0 < gain.low < gain.value < gain.high
    nothing = auc_gain(labels, scores, scores * 0.5, clusters, seed=0, repeats=20)
    assert (nothing.value, nothing.low, nothing.high) == (0, 0, 0)


def test_reliability_points_lie_on_the_diagonal_for_true_probabilities() -> None:
    labels, scores, _ = simulated(1, n_clusters=2000)
    drawn = curves(labels, scores)
    assert drawn.predicted.size == 10
    assert (np.diff(drawn.predicted) > 0).all()
    np.testing.assert_allclose(drawn.observed, drawn.predicted, atol=0.03)
    assert drawn.recall.size <= 200
    assert drawn.recall[-1] == 1
    assert drawn.precision[-1] == pytest.approx(labels.mean())


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
