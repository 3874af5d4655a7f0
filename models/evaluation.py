"""How good a model is on rows it never saw, each figure with its interval."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from domain.horizons import WATCH_RISK

Values = NDArray[np.float64]

TOP_SHARES = (0.05, 0.10, 0.20)
BINS = 10


@dataclass(frozen=True)
class Figure:
    """A measured value and its 95 % interval by bootstrap over tutors; the interval is NaN where none was asked for."""

    value: float
    low: float = float("nan")
    high: float = float("nan")


@dataclass(frozen=True)
class Curves:
    """What the plots are drawn from: reliability points (bins,) and the precision-recall curve."""

    predicted: Values
    observed: Values
    recall: Values
    precision: Values


@dataclass(frozen=True)
class Evaluation:
    """Figures by name, on `n_test` rows of which a share `base_rate` is positive.

    `ceiling` holds the same figures for the true probabilities, on simulated data. `tutor_figures` are those of the
    tutors' 14-day risk, for the no-show model.
    """

    n_test: int
    base_rate: float
    figures: dict[str, Figure]
    curves: Curves
    ceiling: dict[str, Figure] | None = None
    tutor_figures: dict[str, Figure] = field(default_factory=dict)


@dataclass(frozen=True)
class _Ranked:
    """Labels and scores by falling score, with the last place of each run of equal scores."""

    labels: Values
    scores: Values
    tie_ends: NDArray[np.int64]
    order: NDArray[np.int64]


def _rank(labels: Values, scores: Values) -> _Ranked:
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    tie_ends = np.append(np.flatnonzero(np.diff(ranked)), ranked.size - 1)
    return _Ranked(labels[order].astype(np.float64), ranked, tie_ends, order)


def _cumulative(ranked: _Ranked, weights: Values) -> tuple[Values, Values]:
    """Weighted positives and rows down to each run of ties: (runs,) each."""
    return np.cumsum(weights * ranked.labels)[ranked.tie_ends], np.cumsum(weights)[ranked.tie_ends]


def _figures(ranked: _Ranked, weights: Values) -> dict[str, float]:
    positives, rows = _cumulative(ranked, weights)
    n, p = rows[-1], positives[-1]
    if p == 0 or p == n:
        return {}
    found = {"roc_auc": _roc_auc(positives, rows), "pr_auc": _average_precision(positives, rows)}
    found["brier"] = float(weights @ (ranked.scores - ranked.labels) ** 2 / n)
    found["brier_skill"] = 1 - found["brier"] / float(p / n * (1 - p / n))
    found["ece"] = _calibration_error(ranked, weights)
    for share in TOP_SHARES:
        key = f"{round(share * 100)}"
        found[f"precision_at_{key}"], found[f"recall_at_{key}"] = _at(positives, rows, share * n)
    flagged = ranked.scores >= WATCH_RISK
    hits, called = float(weights[flagged] @ ranked.labels[flagged]), float(weights[flagged].sum())
    found["precision_at_flag"] = hits / called if called else float("nan")
    found["recall_at_flag"] = hits / float(p)
    return found


def _roc_auc(positives: Values, rows: Values) -> float:
    negatives = rows - positives
    x, y = np.append(0.0, negatives / negatives[-1]), np.append(0.0, positives / positives[-1])
    return float(np.trapezoid(y, x))


def _average_precision(positives: Values, rows: Values) -> float:
    gained = np.diff(positives, prepend=0.0) / positives[-1]
    precision = np.divide(positives, rows, out=np.zeros_like(rows), where=rows > 0)
    return float(gained @ precision)


def _at(positives: Values, rows: Values, k: float) -> tuple[float, float]:
    """Precision and recall among the k rows scored highest, ties at the border taken in proportion."""
    hits = float(np.interp(k, np.append(0.0, rows), np.append(0.0, positives)))
    return hits / float(k), hits / float(positives[-1])


def _calibration_error(ranked: _Ranked, weights: Values) -> float:
    """Expected calibration error over 10 bins of equal weight (Naeini et al. 2015, AAAI)."""
    place = np.cumsum(weights) - weights / 2
    bins = np.minimum((place * BINS / weights.sum()).astype(np.int64), BINS - 1)
    gap = np.bincount(bins, weights * (ranked.scores - ranked.labels), BINS)
    return float(np.abs(gap).sum() / weights.sum())


def figures(labels: Values, scores: Values) -> dict[str, Figure]:
    """Point values only: labels 0/1 and probabilities, (rows,) each. Empty where only one class is present."""
    ranked = _rank(labels, scores)
    return {name: Figure(value) for name, value in _figures(ranked, np.ones(labels.size)).items()}


def bootstrap_weights(clusters: NDArray[np.int64], repeats: int, seed: int) -> NDArray[np.float64]:
    """How often each cluster is drawn, (repeats, clusters): tutors are resampled, with all their rows."""
    n = int(clusters.max()) + 1
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=repeats).astype(np.float64)


def figures_with_intervals(
    labels: Values, scores: Values, clusters: NDArray[np.int64], seed: int, repeats: int = 200
) -> dict[str, Figure]:
    """Figures with 95 % percentile intervals: labels, probabilities and tutor codes, (rows,) each."""
    ranked = _rank(labels, scores)
    compact = np.unique(clusters, return_inverse=True)[1][ranked.order]
    drawn = [_figures(ranked, w[compact]) for w in bootstrap_weights(compact, repeats, seed)]
    points = _figures(ranked, np.ones(labels.size))
    return {name: _with_interval(value, [d[name] for d in drawn if name in d]) for name, value in points.items()}


def _with_interval(value: float, drawn: list[float]) -> Figure:
    some = [d for d in drawn if not np.isnan(d)]
    if not some:
        return Figure(value)
    low, high = np.percentile(some, [2.5, 97.5])
    return Figure(value, float(low), float(high))


def auc_gain(
    labels: Values, scores: Values, others: Values, clusters: NDArray[np.int64], seed: int, repeats: int = 200
) -> Figure:
    """How much better `scores` rank than `others` on the same rows, paired by tutor, in ROC AUC."""
    compact = np.unique(clusters, return_inverse=True)[1]
    first, second = _rank(labels, scores), _rank(labels, others)

    def difference(weights: Values) -> float:
        ours, theirs = (_roc_auc(*_cumulative(r, weights[r.order])) for r in (first, second))
        return ours - theirs

    drawn = [difference(w[compact]) for w in bootstrap_weights(compact, repeats, seed)]
    return _with_interval(difference(np.ones(labels.size)), drawn)


def curves(labels: Values, scores: Values) -> Curves:
    """Reliability in 10 bins of equal size, and the precision-recall curve at 200 points or fewer."""
    ranked = _rank(labels, scores)
    parts = [p for p in np.array_split(np.arange(labels.size), BINS) if p.size]
    positives, rows = _cumulative(ranked, np.ones(labels.size))
    picked = np.unique(np.linspace(0, rows.size - 1, 200).astype(np.int64))
    return Curves(
        predicted=np.array([ranked.scores[p].mean() for p in parts])[::-1],
        observed=np.array([ranked.labels[p].mean() for p in parts])[::-1],
        recall=positives[picked] / max(positives[-1], 1),
        precision=positives[picked] / rows[picked],
    )
