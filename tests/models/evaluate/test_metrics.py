"""Figures compared with scikit-learn and plain formulas, and coverage of intervals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from domain.horizons import WATCH_RISK
from models.evaluate.bootstrap import NAMES, measure, rank
from models.evaluate.metrics import auc_gain, compare, curves, figures, figures_with_intervals
from models.learners.calibration import expit, logit
from tests.lib.scored import simulated

Values = NDArray[np.float64]

scored = st.lists(st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, 3)), min_size=2, max_size=60)


def both_classes(labels: Values, weights: Values) -> bool:
    return 0 < weights @ labels < weights.sum()


@settings(deadline=None)
@given(scored)
def test_figures_equal_scikit_learns_with_ties_and_weights(rows: list[tuple[bool, int, int]]) -> None:
    labels, tenths, weights = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    scores = tenths / 10
    results = weighted(labels, scores, weights)
    if not both_classes(labels, weights):
        assert np.isnan(list(results.values())).all()
        return
    assert results["roc_auc"] == pytest.approx(roc_auc_score(labels, scores, sample_weight=weights))
    assert results["pr_auc"] == pytest.approx(average_precision_score(labels, scores, sample_weight=weights))
    assert results["brier"] == pytest.approx(brier_score_loss(labels, scores, sample_weight=weights))


@settings(deadline=None)
@given(scored)
def test_a_weight_counts_a_row_that_often(rows: list[tuple[bool, int, int]]) -> None:
    labels, tenths, weights = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    repeated = np.repeat(np.arange(labels.size), weights.astype(int))
    if not both_classes(labels, weights):
        return
    once = weighted(labels, tenths / 10, weights)
    repeats = figures(labels[repeated], tenths[repeated] / 10)
    for name in set(once) - {"ece"}:  # a bin edge may fall inside a weighted row
        assert repeats[name].value == pytest.approx(once[name], nan_ok=True), name


@settings(deadline=None)
@given(scored)
def test_the_compiled_figures_are_those_of_the_plain_formulas(rows: list[tuple[bool, int, int]]) -> None:
    labels, tenths, weights = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    if not both_classes(labels, weights):
        return
    results, plain = weighted(labels, tenths / 10, weights), plain_figures(labels, tenths / 10, weights)
    assert results == pytest.approx(plain, nan_ok=True)


def weighted(labels: Values, scores: Values, weights: Values) -> dict[str, float]:
    """Figures with each row as a separate tutor with its own weight."""
    results = measure(rank(labels, scores, np.arange(labels.size)), weights)
    return dict(zip(NAMES, results.tolist(), strict=True))


def plain_figures(labels: Values, scores: Values, weights: Values) -> dict[str, float]:
    """Slow reference implementation of the figures."""
    n, positives = weights.sum(), weights @ labels
    share = positives / n
    brier = weights @ (scores - labels) ** 2 / n
    results = {
        "roc_auc": roc_auc_score(labels, scores, sample_weight=weights),
        "pr_auc": average_precision_score(labels, scores, sample_weight=weights),
        "brier": brier,
        "brier_skill": 1 - brier / (share * (1 - share)),
        "ece": plain_calibration_error(labels, scores, weights),
    }
    groups = [(str(percent), taken(scores, weights, n * percent / 100)) for percent in (5, 10, 20)]
    for name, rows in [*groups, ("flag", weights * (scores >= WATCH_RISK))]:
        hits, called = float(rows @ labels), float(rows.sum())
        results[f"precision_at_{name}"] = hits / called if called else np.nan
        results[f"recall_at_{name}"] = hits / positives
        results[f"lift_at_{name}"] = hits / called / share if called else np.nan
    return results


def taken(scores: Values, weights: Values, k: float) -> Values:
    """Weight of each row among the k of highest score; tied rows share the remainder."""
    part = np.zeros(scores.size)
    for score in sorted(set(scores.tolist()), reverse=True):
        tied = scores == score
        part[tied] = weights[tied] * min(1.0, (k - part.sum()) / max(weights[tied].sum(), 1e-12))
    return part


def plain_calibration_error(labels: Values, scores: Values, weights: Values) -> float:
    order = np.argsort(-scores, kind="stable")
    bins = ((np.cumsum(weights[order]) - weights[order] / 2) * 10 / weights.sum()).astype(int)
    gaps = [(weights * (scores - labels))[order][bins == b].sum() for b in range(10)]
    return float(np.abs(gaps).sum() / weights.sum())


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
    results = {name: figure.value for name, figure in figures(labels, scores).items()}
    assert results["precision_at_5"] == pytest.approx(3 / 5)
    assert results["recall_at_10"] == pytest.approx(4 / 5)
    flagged = scores >= WATCH_RISK
    assert results["precision_at_flag"] == pytest.approx(labels[flagged].mean())
    assert results["recall_at_flag"] == pytest.approx(1)


def test_ties_at_the_border_count_in_proportion() -> None:
    labels = np.array([1.0] * 30 + [0.0] * 70)
    results = figures(labels, np.full(100, 0.3))
    assert results["precision_at_5"].value == pytest.approx(0.3)
    assert results["recall_at_20"].value == pytest.approx(0.2)
    assert results["roc_auc"].value == pytest.approx(0.5)


def test_nobody_flagged_has_no_precision_and_no_recall() -> None:
    results = figures(np.array([0.0, 1.0]), np.array([0.01, 0.02]))
    assert np.isnan(results["precision_at_flag"].value)
    assert results["recall_at_flag"].value == 0


@pytest.mark.parametrize("labels", [[0.0, 0.0], [1.0, 1.0]])
def test_one_class_alone_has_no_figures(labels: list[float]) -> None:
    assert figures(np.array(labels), np.array([0.1, 0.2])) == {}


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
        results = figures_with_intervals(labels, scores, of, seed=1, repeats=200)["brier"]
        return results.high - results.low

    assert width(clusters) > 1.3 * width(np.arange(labels.size))


def test_intervals_are_the_same_for_the_same_seed_and_any_names_of_clusters() -> None:
    labels, scores, clusters = simulated(5)
    first = figures_with_intervals(labels, scores, clusters, seed=9, repeats=20)
    assert figures_with_intervals(labels, scores, clusters * 7 + 3, seed=9, repeats=20) == first
    assert figures_with_intervals(labels, scores, clusters, seed=10, repeats=20) != first


def test_an_interval_holds_its_value_even_where_noise_is_all_there_is() -> None:
    labels = np.tile([1.0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 50)
    exact = figures_with_intervals(labels, np.full(500, 0.1), np.arange(500), seed=0, repeats=50)["ece"]
    assert exact.low == exact.value == pytest.approx(0, abs=1e-12)
    assert exact.high > 0.01


def test_the_gain_is_the_difference_in_auc_and_its_interval_is_paired() -> None:
    labels, scores, clusters = simulated(2)
    noisy = expit(logit(scores) + np.random.default_rng(0).normal(0, 1, scores.size))
    gain = auc_gain(labels, scores, noisy, clusters, seed=0, repeats=100)
    assert gain.value == pytest.approx(roc_auc_score(labels, scores) - roc_auc_score(labels, noisy))
    assert 0 < gain.low < gain.value < gain.high
    nothing = auc_gain(labels, scores, scores * 0.5, clusters, seed=0, repeats=20)
    assert (nothing.value, nothing.low, nothing.high) == (0, 0, 0)


def test_the_gain_over_each_baseline_is_positive_where_the_model_is_better() -> None:
    labels, scores, clusters = simulated(2)
    noisy = expit(logit(scores) + np.random.default_rng(0).normal(0, 1, scores.size))
    others = {"noisy": noisy, "the base rate": np.full(labels.size, labels.mean())}
    results = compare(labels, scores, others, clusters, seed=0, repeats=100)
    assert list(results) == ["noisy", "the base rate"]
    assert results["noisy"].gain == auc_gain(labels, scores, noisy, clusters, seed=0, repeats=100)
    assert results["the base rate"].figures["roc_auc"].value == 0.5
    for baseline in results.values():
        assert 0 < baseline.brier_gain.low < baseline.brier_gain.value
    exact = brier_score_loss(labels, noisy) - brier_score_loss(labels, scores)
    assert results["noisy"].brier_gain.value == pytest.approx(exact)


def test_a_pair_of_figures_is_measured_on_the_same_draws() -> None:
    labels, scores, clusters = simulated(4, spread=1.0)
    noisy = expit(logit(scores) + np.random.default_rng(0).normal(0, 0.2, scores.size))
    apart = [figures_with_intervals(labels, s, clusters, seed=0, repeats=100)["roc_auc"] for s in (scores, noisy)]
    gain = auc_gain(labels, scores, noisy, clusters, seed=0, repeats=100)
    assert gain.high - gain.low < 0.5 * min(figure.high - figure.low for figure in apart)


def test_reliability_points_lie_on_the_diagonal_for_true_probabilities() -> None:
    labels, scores, _ = simulated(1, n_clusters=2000)
    drawn = curves(labels, scores)
    assert drawn.predicted.size == 10
    assert (np.diff(drawn.predicted) > 0).all()
    np.testing.assert_allclose(drawn.observed, drawn.predicted, atol=0.03)
    assert drawn.recall.size <= 200
    assert drawn.recall[-1] == 1
    assert drawn.precision[-1] == pytest.approx(labels.mean())
    assert drawn.count.sum() == labels.size


def test_reliability_intervals_cover_the_truth_and_widen_where_tutors_differ() -> None:
    labels, scores, tutors = simulated(11, n_clusters=400)
    apart = curves(labels, scores, tutors)
    assert ((apart.low < apart.observed) & (apart.observed < apart.high)).all()
    assert ((apart.low <= apart.predicted) & (apart.predicted <= apart.high)).sum() >= 8
    labels, scores, tutors = simulated(11, n_clusters=400, spread=1.5)
    together, alone = curves(labels, scores, tutors), curves(labels, scores)
    assert np.median((together.high - together.low) / (alone.high - alone.low)) > 1.1
