"""Linear part of a model: a penalised logistic regression from which the trees are boosted.

Trees need many outcomes to approximate a linear effect. With a few hundred departures the linear part alone is better,
and the trees add only nonlinear effects. See docs/adr/0006.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from features.base.array_types import Matrix, Values
from models.learners.calibration import expit, logit

PRIOR_SD = 0.15
"""Standard deviation of the normal prior of each weight, in log-odds per standard deviation of the column."""

MOST_ROWS = 30_000
"""Most rows of each class in a fit; they are weighted to represent the whole class."""

_STEPS, _PRECISION, _RIDGE = 50, 1e-9, 1e-6

FARTHEST = 4.0
"""Standard deviations at which values are clipped."""


class Linear(BaseModel):
    """Log-odds linear in standardised columns: weights, and one intercept per period (one without periods).

    A column marked in `logged` enters as log(1 + x). A missing value takes the mean.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    logged: tuple[bool, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    intercepts: tuple[float, ...]

    def contributions(self, columns: Matrix) -> Values:
        """Returns the contribution of each column to the log-odds, relative to its mean: (rows, columns)."""
        z = _standardise(columns, self.logged, np.array(self.mean), np.array(self.scale))
        return np.asarray(z * np.array(self.weights))

    def intercept(self, period: NDArray[np.float32] | None) -> Values:
        """Returns the intercept of each row's period (rows,), or the only intercept where there are no periods."""
        intercepts = np.array(self.intercepts)
        return intercepts if period is None else np.asarray(intercepts[period.astype(np.int64)])

    def log_odds(self, design: Matrix) -> Values:
        """Returns the log-odds (rows,) of a design matrix, whose last column is the period where there are several."""
        columns, period = _parts(design, len(self.weights))
        line = self._line
        log_odds = np.zeros(len(design))
        if line.used.size:
            log_odds = _standardise(columns[:, line.used], line.logged, line.mean, line.scale) @ line.weights
        return np.asarray(log_odds + self.intercept(period))

    @cached_property
    def _line(self) -> "_Line":
        used = np.flatnonzero(self.weights)
        return _Line(used, *(np.array(values)[used] for values in (self.logged, self.mean, self.scale, self.weights)))


@dataclass(frozen=True, eq=False)
class _Line:
    """Columns with nonzero weight: indices, log flag, mean, scale and weight of each.

    Not compared by value: pydantic compares cached properties, and the comparison of arrays has no single truth value.
    """

    used: NDArray[np.intp]
    logged: NDArray[np.bool_]
    mean: Values
    scale: Values
    weights: Values


def fit_linear(design: Matrix, labels: Values, signs: Sequence[int], n_periods: int, seed: int) -> Linear:
    """Fit to a design matrix (rows, columns, the period last where `n_periods` is not 0) and 0/1 labels (rows,).

    Nonzero `signs` (columns without the period) restrict the sign of a weight. A class with more than MOST_ROWS rows is
    sampled by the seed and weighted (King and Zeng 2001, Political Analysis 9:137).
    """
    rows, row_weights = _draw(labels, seed)
    columns, period = _parts(design[rows], len(signs))
    logged = tuple(bool(v) for v in _skewed(columns))
    mean, scale = _moments(_transform(columns, logged), row_weights)
    z = _standardise(columns, logged, mean, scale)
    place = np.zeros(len(z), np.int64) if period is None else period.astype(np.int64)
    weights, intercepts = _solve(z, place, labels[rows], row_weights, signs, max(n_periods, 1))
    return Linear(
        logged=logged,
        mean=tuple(mean.tolist()),
        scale=tuple(scale.tolist()),
        weights=tuple(weights.tolist()),
        intercepts=tuple(intercepts.tolist()),
    )


def flat(design: Matrix, labels: Values, n_columns: int, n_periods: int) -> Linear:
    """Returns a linear part without slopes: the log-odds of the share of positives, or of that of each period.

    Takes a design and labels as `fit_linear` does.
    """
    period = _parts(design, n_columns)[1]
    place = np.zeros(labels.size, np.int64) if period is None else period.astype(np.int64)
    rows, positives = (np.bincount(place, w, max(n_periods, 1)) for w in (None, labels))
    return Linear(
        logged=(False,) * n_columns,
        mean=(0.0,) * n_columns,
        scale=(1.0,) * n_columns,
        weights=(0.0,) * n_columns,
        intercepts=tuple(logit((positives + labels.mean()) / (rows + 1)).tolist()),
    )


def _draw(labels: Values, seed: int) -> tuple[NDArray[np.int64], Values]:
    """Returns the rows to fit to, ascending, and the weight of each."""
    rng, drawn, weights = np.random.default_rng(seed), [], []
    for rows in (np.flatnonzero(labels == 0), np.flatnonzero(labels > 0)):
        kept = rows if rows.size <= MOST_ROWS else rng.choice(rows, MOST_ROWS, replace=False)
        drawn.append(kept)
        weights.append(np.full(kept.size, rows.size / max(kept.size, 1)))
    rows, row_weights = np.concatenate(drawn), np.concatenate(weights)
    order = np.argsort(rows)
    return rows[order], row_weights[order]


def _parts(design: Matrix, n_columns: int) -> tuple[Matrix, NDArray[np.float32] | None]:
    return design[:, :n_columns], design[:, n_columns] if design.shape[1] > n_columns else None


def _skewed(columns: Matrix) -> NDArray[np.bool_]:
    """Returns a mask of the non-negative columns with values above 3, which are log-transformed: (columns,)."""
    filled = np.where(np.isnan(columns), np.float32(0), columns)
    return np.asarray((filled.min(axis=0) >= 0) & (filled.max(axis=0) > 3))


def _transform(columns: Matrix, logged: Sequence[bool] | NDArray[np.bool_]) -> Values:
    plain = columns.astype(np.float64)
    some = np.flatnonzero(logged)
    plain[:, some] = np.log1p(np.maximum(plain[:, some], 0))
    return plain


def _moments(plain: Values, row_weights: Values) -> tuple[Values, Values]:
    known = np.where(np.isnan(plain), 0.0, row_weights[:, None])
    n = np.maximum(known.sum(axis=0), 1e-9)
    filled = np.nan_to_num(plain)
    mean = (known * filled).sum(axis=0) / n
    scale = np.sqrt((known * (filled - mean) ** 2).sum(axis=0) / n)
    return mean, np.where(scale > 1e-9, scale, 1.0)


def _standardise(columns: Matrix, logged: Sequence[bool] | NDArray[np.bool_], mean: Values, scale: Values) -> Values:
    z = (_transform(columns, logged) - mean) / scale
    return np.clip(np.nan_to_num(z, nan=0.0), -FARTHEST, FARTHEST)


def _solve(
    z: Values, place: NDArray[np.int64], labels: Values, row_weights: Values, signs: Sequence[int], n: int
) -> tuple[Values, Values]:
    """Returns weights (columns,) and intercepts (n,) of the posterior mode, by projected Newton steps.

    Source: Bertsekas 1982, SIAM Journal on Control and Optimization 20:221. A weight stays at its bound while the
    gradient points outside.
    """
    k = z.shape[1]
    design = np.column_stack([z, np.eye(n)[place]])
    ridge = np.concatenate([np.full(k, 1 / PRIOR_SD**2), np.full(n, _RIDGE)])
    known = np.concatenate([np.sign(signs), np.zeros(n)])
    rate = np.clip(labels @ row_weights / row_weights.sum(), 1e-6, 1 - 1e-6)
    point = np.concatenate([np.zeros(k), np.full(n, np.log(rate / (1 - rate)))])

    def loss(at: Values) -> float:
        log_odds = design @ at
        return float(row_weights @ (np.logaddexp(0, log_odds) - labels * log_odds) + ridge @ at**2 / 2)

    def allowed(at: Values) -> Values:
        return np.where(known * at < 0, 0.0, at)

    value = loss(point)
    for _ in range(_STEPS):
        step = _newton_step(design, labels, row_weights, ridge, known, point)
        size = 1.0
        while (candidate := loss(allowed(point + size * step))) > value and size > 1e-6:
            size /= 2
        if value - candidate <= _PRECISION * abs(value):
            break
        point, value = allowed(point + size * step), candidate
    return point[:k], point[k:]


def _newton_step(
    design: Values, labels: Values, row_weights: Values, ridge: Values, known: Values, point: Values
) -> Values:
    probability = expit(design @ point)
    slope = design.T @ (row_weights * (labels - probability)) - ridge * point
    curvature = design.T @ (design * (row_weights * probability * (1 - probability))[:, None]) + np.diag(ridge)
    free = ~((known != 0) & (point == 0) & (known * slope < 0))
    step = np.zeros(point.size)
    step[free] = np.linalg.solve(curvature[np.ix_(free, free)], slope[free])
    return step
