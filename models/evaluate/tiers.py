"""Tiers of attention: Watch from a fixed risk, Act from a risk with a proven precision."""

from dataclasses import replace

import numpy as np

from domain.horizons import WATCH_RISK
from features.base.array_types import Ints, Values
from models.evaluate.bootstrap import REPEATS, draws, percentiles
from models.evaluate.metrics import Figure, Tier
from models.evaluate.proportions import effective_size, wilson

ACT_PRECISION = 0.70
"""Least precision of the Act tier."""

MIN_TUTORS = 10
"""Least number of tutors in a tier; the intervals are valid only for many tutors."""


def choose_act_threshold(risk: Values, labels: Values, tutors: Ints, precision: float = ACT_PRECISION) -> float | None:
    """Returns the lowest risk from which the lower bound of precision is at least `precision`, or None.

    Takes risks, 0/1 labels and tutor codes (rows,) of a window that was not used for fitting. The bound is that of the
    95 % interval of `models.evaluate.proportions`, which clusters rows by tutor.
    """
    if not risk.size:
        return None
    order = np.argsort(-risk, kind="stable")
    ranked = risk[order]
    lower, n_tutors = _lower_bounds(labels[order], tutors[order])
    ends_run = np.append(ranked[1:] != ranked[:-1], True)
    reached = np.flatnonzero(ends_run & (lower >= precision) & (n_tutors >= MIN_TUTORS))
    return float(ranked[reached[-1]]) if reached.size else None


def _lower_bounds(labels: Values, tutors: Ints) -> tuple[Values, Values]:
    """Returns the lower bound of the share, and the number of tutors, of the first k rows for every k: (rows,) each."""
    rows_before, hits_before = _within_tutor(labels, tutors)
    hits_after = hits_before + labels
    rows2 = np.cumsum(2 * rows_before + 1)
    cross = np.cumsum(hits_after * (rows_before + 1) - hits_before * rows_before)
    hits2 = np.cumsum(hits_after**2 - hits_before**2)
    n, hits = np.arange(1.0, labels.size + 1), np.cumsum(labels)
    n_tutors = np.cumsum(rows_before == 0).astype(np.float64)
    return wilson(hits / n, effective_size(n, hits, (rows2, cross, hits2), n_tutors))[0], n_tutors


def _within_tutor(labels: Values, tutors: Ints) -> tuple[Values, Values]:
    """Returns the numbers of earlier rows and of earlier positive rows of the same tutor, (rows,) each."""
    order = np.argsort(tutors, kind="stable")
    begins = np.append(True, tutors[order][1:] != tutors[order][:-1])
    first = np.maximum.accumulate(np.where(begins, np.arange(labels.size), 0))
    hits = np.cumsum(labels[order]) - labels[order]
    rows_before, hits_before = np.empty(labels.size), np.empty(labels.size)
    rows_before[order] = np.arange(labels.size) - first
    hits_before[order] = hits - hits[first]
    return rows_before, hits_before


def tier_figures(
    name: str,
    threshold: float | None,
    risk: Values,
    labels: Values,
    tutors: Ints,
    seed: int,
    repeats: int = REPEATS,
) -> Tier:
    """Returns the figures of flagging every row from a risk, with intervals by tutor.

    Takes risks, 0/1 labels and tutor codes (rows,).
    """
    if threshold is None or not risk.size:
        return Tier(name, threshold)
    codes = np.unique(tutors, return_inverse=True)[1]
    flagged = risk >= threshold
    counts = np.column_stack(
        [np.bincount(codes, values) for values in (flagged, flagged * labels, labels, np.ones(risk.size))]
    )
    point = _shares(counts.sum(axis=0))
    drawn = np.array([_shares(weights @ counts) for weights in draws(len(counts), repeats, seed)])
    return Tier(name, threshold, *map(_figure, point, drawn.T))


def _shares(counts: Values) -> Values:
    """Returns flagged share, precision, recall, lift and prevalence; NaN where the denominator is 0.

    `counts` are flagged rows, hits, positives and rows.
    """
    flagged, hits, positives, rows = counts
    shares = np.array([[flagged, rows], [hits, flagged], [hits, positives], [hits * rows, flagged * positives]])
    above, below = np.vstack([shares, [positives, rows]]).T
    return np.asarray(np.divide(above, below, out=np.full(above.size, np.nan), where=below > 0))


def _figure(value: float, drawn: Values) -> Figure:
    return Figure(float(value), *percentiles(float(value), drawn))


def recall_at_precision(
    precision: float, risk: Values, labels: Values, tutors: Ints, seed: int, repeats: int = REPEATS
) -> Figure | None:
    """Returns the highest recall at a precision or better: the ceiling, given true risks (rows,).

    None where no threshold reaches the precision.
    """
    order = np.argsort(-risk, kind="stable")
    ranked, hits = risk[order], np.cumsum(labels[order])
    ends_run = np.append(ranked[1:] != ranked[:-1], True)[: ranked.size]
    reached = np.flatnonzero(ends_run & (hits >= precision * np.arange(1, risk.size + 1)))
    if not reached.size:
        return None
    return tier_figures("ceiling", float(ranked[reached[-1]]), risk, labels, tutors, seed, repeats).recall


def tiers(
    act_threshold: float | None,
    risk: Values,
    labels: Values,
    tutors: Ints,
    seed: int,
    true: Values | None = None,
    repeats: int = REPEATS,
) -> tuple[Tier, Tier]:
    """Returns the tiers Watch and Act on test rows, with ceilings where the true risks (rows,) are known."""
    watch, act = (
        tier_figures(name, threshold, risk, labels, tutors, seed, repeats)
        for name, threshold in (("watch", WATCH_RISK), ("act", act_threshold))
    )
    return (
        _with_ceiling(watch, true, labels, tutors, seed, repeats),
        _with_ceiling(act, true, labels, tutors, seed, repeats),
    )


def _with_ceiling(tier: Tier, true: Values | None, labels: Values, tutors: Ints, seed: int, repeats: int) -> Tier:
    if true is None or tier.precision is None or np.isnan(tier.precision.value):
        return tier
    return replace(tier, ceiling=recall_at_precision(tier.precision.value, true, labels, tutors, seed, repeats))
