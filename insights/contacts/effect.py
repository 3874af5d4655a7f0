"""Effect of contacts on missed sessions: contacted tutors against the holdout, by intention to treat.

The share of missed sessions is regressed on the arm, the risk predicted before the draw, and their product (Lin 2013,
Agnostic notes on regression adjustments to experimental data), which never costs precision in large samples. Errors
are clustered by tutor, as one tutor is drawn on many days: the bias-reduced sandwich CR2 with Satterthwaite's
degrees of freedom (Bell and McCaffrey 2002; Imbens and Kolesar 2016), since the holdout is small by design.

Every tutor on a list counts in the arm drawn, reached or not, and a session cancelled or moved in time counts as not
missed: leaving either out would compare tutors who were selected by the contact itself. Arms are drawn by tutor and
day, so all sessions of a tutor on a day share an arm. The effect that a contact has on the tutor's later days helps
both arms alike, so the estimate is biased towards zero, if at all.

The coverage of an interval is that of a single look. Looking every day and stopping at the first clear result misleads
more often than the level implies: choose the day of the evaluation in advance, by the number of no-shows needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit  # quantiles of Student's t

from domain.interventions import Arm, ArmCount, ContactOutcome, Effect, Estimate

Floats = NDArray[np.float64]

LEVEL = 0.95
MIN_NO_SHOWS = 20
MIN_TUTORS = 20
"""Fewest no-shows and tutors in each arm; below them no effect is estimated."""


@dataclass(frozen=True)
class OutcomeColumns:
    """Sessions on past lists (n,): tutor and contact as codes, the arm, the risk at planning, and whether missed."""

    tutor: NDArray[np.int64]
    contact: NDArray[np.int64]
    contacted: NDArray[np.bool_]
    risk: Floats
    missed: NDArray[np.bool_]
    action: NDArray[np.str_]

    @classmethod
    def of(cls, rows: Sequence[ContactOutcome]) -> "OutcomeColumns":
        """Return the rows as columns."""
        return cls(
            tutor=np.unique([row.tutor_id for row in rows], return_inverse=True)[1].astype(np.int64),
            contact=np.array([row.contact_id for row in rows], dtype=np.int64),
            contacted=np.array([row.arm is Arm.CONTACT for row in rows], dtype=np.bool_),
            risk=np.array([row.risk for row in rows], dtype=np.float64),
            missed=np.array([row.missed for row in rows], dtype=np.bool_),
            action=np.array([row.action for row in rows], dtype=np.str_),
        )

    def where(self, rows: NDArray[np.bool_]) -> "OutcomeColumns":
        """Return the rows of a mask (n,)."""
        return OutcomeColumns(**{name: getattr(self, name)[rows] for name in self.__dataclass_fields__})


def effects(outcomes: OutcomeColumns, level: float = LEVEL) -> tuple[Effect, ...]:
    """Return the effect of all contacts, then of each action, most frequent first.

    Several actions are several chances of a false finding: where k of them can be estimated, each interval has the
    Bonferroni level 1 - (1 - level) / k, so that all cover jointly at `level`. Actions are not randomized: each is
    compared with its own held-out tutors, and actions are not compared with each other.
    """
    names, counts = np.unique(outcomes.action, return_counts=True)
    parts = {str(names[i]): outcomes.where(outcomes.action == names[i]) for i in np.argsort(-counts, kind="stable")}
    judged = max(sum(_enough(part) for part in parts.values()), 1)
    shared = 1 - (1 - level) / judged
    return effect(outcomes, level), *(effect(part, shared, name) for name, part in parts.items())


def effect(outcomes: OutcomeColumns, level: float = LEVEL, action: str | None = None, adjusted: bool = True) -> Effect:
    """Return the effect of contacting on these sessions; without `adjusted`, the plain difference of shares."""
    contacted, held_out = _counts(outcomes, True), _counts(outcomes, False)
    if not _enough(outcomes):
        return Effect(action, level, contacted, held_out, None, None, None)
    fit = _fit(outcomes, adjusted)
    absolute, relative = _absolute(fit, level), _relative(fit, level)
    per_contact = -100 * contacted.sessions / contacted.contacts
    ends = sorted((per_contact * absolute.low, per_contact * absolute.high))
    per_100 = Estimate(per_contact * absolute.value, *ends)
    return Effect(action, level, contacted, held_out, absolute, relative, per_100)


def _counts(outcomes: OutcomeColumns, contacted: bool) -> ArmCount:
    arm = outcomes.where(outcomes.contacted == contacted)
    return ArmCount(np.unique(arm.contact).size, arm.missed.size, np.unique(arm.tutor).size, int(arm.missed.sum()))


def _enough(outcomes: OutcomeColumns) -> bool:
    arms = [_counts(outcomes, contacted) for contacted in (True, False)]
    return all(arm.no_shows >= MIN_NO_SHOWS and arm.tutors >= MIN_TUTORS for arm in arms)


@dataclass(frozen=True)
class _Fit:
    """A least-squares fit in coordinates where X'X is the identity: p columns, g clusters.

    `whiten` (p, p) is the symmetric root of the inverse of X'X. `gram` (g, p, p) and `score` (g, p) are X'X and X'u
    of each cluster, both whitened and the score corrected by `corrections` (g, p, p).
    """

    coefficients: Floats
    whiten: Floats
    gram: Floats
    score: Floats
    corrections: Floats


def _fit(outcomes: OutcomeColumns, adjusted: bool) -> _Fit:
    design = _design(outcomes, adjusted)
    missed = outcomes.missed.astype(np.float64)
    values, vectors = np.linalg.eigh(design.T @ design)
    # A constant risk adjusts nothing: its columns are dropped rather than divided by zero.
    root = np.where(values > 1e-10 * values.max(), 1 / np.sqrt(np.maximum(values, 1e-300)), 0.0)
    whiten = (vectors * root) @ vectors.T
    rows = design @ whiten
    coefficients = whiten @ (rows.T @ missed)
    residual = missed - design @ coefficients
    gram = _by_cluster(outcomes.tutor, rows[:, :, None] * rows[:, None, :])
    corrections = _corrections(gram)
    score = np.einsum("gij,gj->gi", corrections, _by_cluster(outcomes.tutor, rows * residual[:, None]))
    return _Fit(coefficients, whiten, gram, score, corrections)


def _design(outcomes: OutcomeColumns, adjusted: bool) -> Floats:
    arm = outcomes.contacted.astype(np.float64)
    columns = [np.ones_like(arm), arm]
    if adjusted:
        risk = outcomes.risk - outcomes.risk.mean()
        columns += [risk, arm * risk]
    return np.column_stack(columns)


def _by_cluster(cluster: NDArray[np.int64], values: Floats) -> Floats:
    """Return sums (clusters, ...) of values (n, ...)."""
    codes = np.unique(cluster, return_inverse=True)[1]
    order = np.argsort(codes, kind="stable")
    first = np.flatnonzero(np.diff(codes[order], prepend=-1))
    return np.asarray(np.add.reduceat(values[order], first, axis=0))


def _corrections(gram: Floats) -> Floats:
    """Return (I - H)^(-1/2) of each cluster, which undoes the shrinkage of its residuals by the fit; 0 where total."""
    values, vectors = np.linalg.eigh(gram)
    left = 1 - values
    power = np.where(left > 1e-8, 1 / np.sqrt(np.maximum(left, 1e-8)), 0.0)
    return np.asarray(np.einsum("gij,gj,gkj->gik", vectors, power, vectors))


def _error(fit: _Fit, contrast: Floats, level: float) -> float:
    """Return half the width of the interval of a contrast (p,) of the coefficients."""
    along = fit.whiten @ contrast
    variance = float(np.sum((fit.score @ along) ** 2))
    return float(stdtrit(_degrees(fit, along), (1 + level) / 2)) * sqrt(variance)


def _degrees(fit: _Fit, along: Floats) -> float:
    """Satterthwaite's degrees of freedom under independent errors of equal variance (Bell and McCaffrey 2002)."""
    corrected = fit.corrections @ along
    projected = np.einsum("gij,gj->gi", fit.gram, corrected)
    own, shared = np.einsum("gi,gi->g", corrected, projected), np.einsum("gi,gi->g", projected, projected)
    squares = np.sum(own**2) - 2 * np.sum(own * shared) + np.sum((projected.T @ projected) ** 2)
    return float((own.sum() - shared.sum()) ** 2 / squares)


def _absolute(fit: _Fit, level: float) -> Estimate:
    contrast = np.zeros_like(fit.coefficients)
    contrast[1] = 1.0
    value, error = float(fit.coefficients[1]), _error(fit, contrast, level)
    return Estimate(value, value - error, value + error)


def _relative(fit: _Fit, level: float) -> Estimate | None:
    """Return 1 minus the ratio of the shares at the mean risk, with a delta-method interval on the log ratio."""
    held_out, contacted = float(fit.coefficients[0]), float(fit.coefficients[0] + fit.coefficients[1])
    if held_out <= 0 or contacted <= 0:
        return None
    contrast = np.zeros_like(fit.coefficients)
    contrast[:2] = 1 / contacted - 1 / held_out, 1 / contacted
    ratio, error = log(contacted / held_out), _error(fit, contrast, level)
    return Estimate(1 - exp(ratio), 1 - exp(ratio + error), 1 - exp(ratio - error))
