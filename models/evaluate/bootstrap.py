"""Figures of scored rows and their bootstrap over tutors.

Tutors are resampled with all their rows (Davison and Hinkley 1997, Bootstrap Methods, section 3.8). A draw is one
weight per tutor; the rows are sorted once, and one compiled pass computes every figure of a draw.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from domain.horizons import WATCH_RISK
from features.base.array_types import Ints, Values

TOP_SHARES = (0.05, 0.10, 0.20)
BINS = 10
REPEATS = 200

_TOPS = tuple(str(round(share * 100)) for share in TOP_SHARES)
_CALLED = (*_TOPS, "flag")
_MEASURES = ("precision", "recall", "lift")
_AT = tuple(f"{measure}_at_{called}" for called in _CALLED for measure in _MEASURES)
NAMES = ("roc_auc", "pr_auc", "brier", "brier_skill", "ece", *_AT)
"""The figures, in the order of the arrays that hold them."""


@dataclass(frozen=True)
class Ranked:
    """Rows by falling score: labels, scores, tutor codes from 0 and the ends of runs of equal scores, (rows,) each.

    `counts` (tutors, 4) holds each tutor's rows, positives, flagged rows and flagged positives.
    """

    labels: Values
    scores: Values
    tutors: NDArray[np.int32]
    ends_run: NDArray[np.bool_]
    counts: Values

    @property
    def n_tutors(self) -> int:
        """Number of tutors among the rows."""
        return len(self.counts)


def rank(labels: Values, scores: Values, tutors: Ints) -> Ranked:
    """Sort rows for the kernel. Takes 0/1 labels, scores and tutor codes of any range, (rows,) each."""
    order = np.argsort(-scores, kind="stable")
    compact = np.unique(tutors, return_inverse=True)[1]
    ranked, flagged = scores[order], scores >= WATCH_RISK
    ends = np.append(ranked[1:] != ranked[:-1], True)[: ranked.size]
    counted = (np.ones(labels.size), labels, flagged, flagged * labels)
    counts = np.column_stack([np.bincount(compact, values) for values in counted]).astype(np.float64)
    return Ranked(labels[order].astype(np.float64), ranked, compact[order].astype(np.int32), ends, counts)


def draws(n: int, repeats: int, seed: int) -> Iterator[Values]:
    """Yield the number of times each of n tutors is drawn, (n,) per draw.

    Equal seeds yield equal draws, so that differences are paired.
    """
    rng = np.random.default_rng(seed)
    for _ in range(repeats):
        yield np.bincount(rng.integers(0, n, n), minlength=n).astype(np.float64)


@dataclass(frozen=True)
class Sampled:
    """Figures in the order of NAMES: point values (names,) and one per draw (repeats, names); NaN where undefined."""

    point: Values
    drawn: Values

    def interval(self, place: int) -> tuple[float, float]:
        """The 95 % interval of the figure at a place, NaN where no draw had it."""
        return percentiles(float(self.point[place]), self.drawn[:, place])


def percentiles(point: float, drawn: Values) -> tuple[float, float]:
    """The 95 % percentile interval of the draws (repeats,) in which the figure is defined; NaN where it never is.

    It always holds the point itself. Resampling adds noise, and a calibration error counts all noise as error, so that
    its draws can lie above it altogether: its interval errs on the high, the safe side.
    """
    some = drawn[~np.isnan(drawn)]
    if not some.size or np.isnan(point):
        return float("nan"), float("nan")
    low, high = np.percentile(some, [2.5, 97.5])
    return min(float(low), point), max(float(high), point)


def sample(labels: Values, scores: Values, tutors: Ints, seed: int, repeats: int = REPEATS) -> Sampled:
    """Measure rows, and again in each draw of tutors. Takes 0/1 labels, probabilities and codes, (rows,) each."""
    ranked = rank(labels, scores, tutors)
    drawn = [measure(ranked, weights) for weights in draws(ranked.n_tutors, repeats, seed)]
    return Sampled(measure(ranked, np.ones(ranked.n_tutors)), np.array(drawn).reshape(repeats, len(NAMES)))


def less(ours: Sampled, theirs: Sampled) -> Sampled:
    """Returns the difference, paired by tutor, of two samples with the same rows and seed."""
    return Sampled(ours.point - theirs.point, ours.drawn - theirs.drawn)


def measure(ranked: Ranked, weights: Values) -> Values:
    """Returns every figure with tutors weighted by `weights` (tutors,): (names,), NaN where a class is absent."""
    rows, positives, flagged, flagged_hits = weights @ ranked.counts
    if not 0 < positives < rows:
        return np.full(len(NAMES), np.nan)
    tops = np.array(TOP_SHARES) * rows
    auc, average, hits = _order(ranked.labels, ranked.ends_run, ranked.tutors, weights, rows, positives, tops)
    loss, gap = _distance(ranked.labels, ranked.scores, ranked.tutors, weights, rows)
    share = positives / rows
    return np.concatenate(
        [
            [auc, average, loss, 1 - loss / (share * (1 - share)), gap],
            _called(np.append(hits, flagged_hits), np.append(tops, flagged), rows, positives),
        ]
    )


def _called(hits: Values, called: Values, rows: float, positives: float) -> Values:
    """Returns precision, recall and lift of each group of called rows (groups,), group after group."""
    precision = np.divide(hits, called, out=np.full(hits.size, np.nan), where=called > 0)
    return np.column_stack([precision, hits / positives, precision * rows / positives]).ravel()


@njit(cache=True)
def _order(
    labels: Values,
    ends_run: NDArray[np.bool_],
    tutors: NDArray[np.int32],
    weights: Values,
    rows: float,
    positives: float,
    tops: Values,
) -> tuple[float, float, Values]:
    """Returns ROC AUC, average precision and the hits among the `tops` highest rows, ties counted in proportion."""
    above, hits_above, run, run_hits = 0.0, 0.0, 0.0, 0.0
    area, average, top = 0.0, 0.0, 0
    hits = np.full(tops.size, positives)
    for i in range(labels.size):
        weight = weights[tutors[i]]
        run += weight
        run_hits += weight * labels[i]
        if ends_run[i] and run > 0:
            area += (run - run_hits) * (hits_above + run_hits / 2)
            while top < tops.size and above + run >= tops[top]:
                hits[top] = hits_above + run_hits * (tops[top] - above) / run
                top += 1
            above += run
            hits_above += run_hits
            if run_hits > 0:
                average += run_hits * hits_above / above
            run, run_hits = 0.0, 0.0
    return area / (positives * (rows - positives)), average / positives, hits


@njit(cache=True)
def _distance(
    labels: Values, scores: Values, tutors: NDArray[np.int32], weights: Values, rows: float
) -> tuple[float, float]:
    """Returns the Brier score and expected calibration error over bins of equal weight (Naeini et al. 2015, AAAI)."""
    loss, above, gap, gaps, place = 0.0, 0.0, 0.0, 0.0, 1
    for i in range(labels.size):
        weight = weights[tutors[i]]
        excess = scores[i] - labels[i]
        while (above + weight / 2) * BINS >= place * rows and place < BINS:
            gaps += abs(gap)
            gap, place = 0.0, place + 1
        gap += weight * excess
        loss += weight * excess * excess
        above += weight
    return loss / rows, (gaps + abs(gap)) / rows
