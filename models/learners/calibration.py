"""Calibration: margins to probabilities, with the uncertainty of the calibration."""

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from features.base.array_types import Values

Z = 1.96
"""Standard errors of a 95 % interval."""

SURE = 2.58
"""Standard errors of a 99 % interval: without signal, one training in two hundred reports some."""

_NEAR = 1e-3
"""Margins nearer than this to their base take the slope of the curve there."""

_ITERATIONS = 50
_RIDGE = 1e-6


class Calibration(BaseModel):
    """Map from margins to probabilities: log-odds = slope x curve(margin) + intercept, and the covariance of the line.

    The curve is the margin itself (Platt 1999, in Advances in Large Margin Classifiers); bent by `bend` x softplus
    (margin), which is beta calibration (Kull et al. 2017, AISTATS); or piecewise linear through `knots` and `levels`,
    parallel to the margin beyond them, which is centred isotonic regression (Oron and Flournoy 2017, Statistics in
    Biopharmaceutical Research 9:258). All three preserve the order of scores.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    slope: float = 1.0
    intercept: float = 0.0
    bend: float = 0.0
    knots: tuple[float, ...] = ()
    levels: tuple[float, ...] = ()
    var_slope: float = 0.0
    var_intercept: float = 0.0
    covariance: float = 0.0

    def curve(self, margins: Values) -> Values:
        """Returns the margins (rows,) on the curve, in log-odds."""
        if self.knots:
            ends = np.clip(margins, self.knots[0], self.knots[-1])
            return np.asarray(np.interp(margins, self.knots, self.levels) + (margins - ends))
        return np.asarray(margins + self.bend * np.logaddexp(0, margins)) if self.bend else margins

    def log_odds(self, margins: Values) -> Values:
        """Returns calibrated log-odds (rows,)."""
        return self.slope * self.curve(margins) + self.intercept

    def chord(self, margins: Values, base: Values) -> Values:
        """Returns the change of the log-odds per unit of margin between a base and the margins: (rows,)."""
        if not (self.bend or self.knots):
            return np.full(margins.shape, self.slope)
        apart = margins - base
        near = np.abs(apart) < _NEAR
        apart = np.where(near, _NEAR, apart)
        return (self.log_odds(base + apart) - self.log_odds(base)) / apart

    def probability(self, margins: Values) -> Values:
        """Returns calibrated probabilities (rows,)."""
        return expit(self.log_odds(margins))

    def interval(self, margins: Values, z: float = Z) -> tuple[Values, Values]:
        """Returns the 95 % interval (low, high) of each probability, (rows,) each: delta method on the log-odds."""
        point = self.curve(margins)
        log_odds = self.slope * point + self.intercept
        variance = point**2 * self.var_slope + self.var_intercept + 2 * point * self.covariance
        reach = z * np.sqrt(np.maximum(variance, 0))
        return expit(log_odds - reach), expit(log_odds + reach)


def fit(margins: Values, labels: Values, clusters: NDArray[np.int64], curve: Calibration | None = None) -> Calibration:
    """Fit the line to held-out rows: margins, 0/1 labels and cluster codes, (rows,) each, on a curve or on none.

    Method: Newton. The covariance is cluster-robust (Liang and Zeger 1986, Biometrika 73:13), because the rows of one
    tutor are not independent.
    """
    curve = curve or Calibration()
    points = curve.curve(margins)
    weights, robust = _fit(np.column_stack([points, np.ones_like(points)]), labels, clusters)
    line = {
        "slope": float(weights[0]),
        "intercept": float(weights[1]),
        "var_slope": float(robust[0, 0]),
        "var_intercept": float(robust[1, 1]),
        "covariance": float(robust[0, 1]),
    }
    return curve.model_copy(update=line)


def identity(labels: Values, clusters: NDArray[np.int64]) -> Calibration:
    """Returns the identity with the uncertainty of the share of positives: 0/1 labels, cluster codes, (rows,) each."""
    return Calibration(var_intercept=float(_fit(np.ones((labels.size, 1)), labels, clusters)[1][0, 0]))


def discriminates(
    margins: Values,
    labels: Values,
    clusters: NDArray[np.int64],
    groups: NDArray[np.int8] | None = None,
    errors: float = SURE,
) -> bool:
    """Returns whether larger margins have a higher rate within groups, by more than some standard errors: (rows,) each.

    `groups` (rows,) are codes from 0 of rows whose rates differ for a known reason; None for a single group.
    """
    place = np.zeros(margins.size, np.int64) if groups is None else groups.astype(np.int64)
    rows = np.bincount(place)
    means = np.bincount(place, margins) / np.maximum(rows, 1)
    dummies = np.eye(rows.size)[place][:, rows > 0]
    weights, robust = _fit(np.column_stack([margins - means[place], dummies]), labels, clusters)
    return bool(weights[0] > errors * np.sqrt(robust[0, 0]))


def log_losses(log_odds: Values, labels: Values) -> Values:
    """Returns the log loss of each row: log-odds and 0/1 labels, (rows,) each."""
    return np.asarray(np.logaddexp(0, log_odds) - labels * log_odds)


def shift_to(log_odds: Values, mean: float) -> float:
    """Returns the constant that, added to log-odds (rows,), makes the mean probability equal to `mean`."""
    low, high = logit(np.array([mean])) - log_odds.max(), logit(np.array([mean])) - log_odds.min()
    for _ in range(_ITERATIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if expit(log_odds + middle).mean() < mean else (low, middle)
    return float(middle[0])


def clustered_error(residuals: Values, clusters: NDArray[np.int64]) -> float:
    """Returns the standard error of the sum of residuals with mean 0, (rows,), whose clusters are independent."""
    return float(np.sqrt((np.bincount(clusters, residuals) ** 2).sum()))


def fit_weights(columns: NDArray[np.float64], labels: Values) -> Values:
    """Returns the weights of a logistic regression with an intercept: (columns,) from (rows, columns)."""
    return _maximise(np.column_stack([columns, np.ones(labels.size)]), labels)[:-1]


def _maximise(design: NDArray[np.float64], labels: Values) -> Values:
    weights = np.zeros(design.shape[1])
    for _ in range(_ITERATIONS):
        step = _newton_step(design, labels, weights)
        weights = weights + step
        if np.abs(step).max() < 1e-9:
            break
    return weights


def _fit(
    design: NDArray[np.float64], labels: Values, clusters: NDArray[np.int64]
) -> tuple[Values, NDArray[np.float64]]:
    weights = _maximise(design, labels)
    bread = np.linalg.inv(_hessian(design, expit(design @ weights)))
    scores = design * (labels - expit(design @ weights))[:, None]
    by_cluster = np.column_stack([np.bincount(clusters, column) for column in scores.T])
    robust = bread @ (by_cluster.T @ by_cluster) @ bread
    return weights, robust


def _newton_step(design: NDArray[np.float64], labels: Values, weights: Values) -> Values:
    """Returns a Newton step, halved until it lowers the loss: full steps can cycle on overconfident margins."""
    probability = expit(design @ weights)
    step = np.linalg.solve(_hessian(design, probability), design.T @ (labels - probability) - _RIDGE * weights)
    while np.abs(step).max() > 1e-9 and _loss(design, labels, weights + step) > _loss(design, labels, weights):
        step = step / 2
    return np.asarray(step)


def _loss(design: NDArray[np.float64], labels: Values, weights: Values) -> float:
    log_odds = design @ weights
    return float(np.logaddexp(0, log_odds).sum() - labels @ log_odds + _RIDGE * weights @ weights / 2)


def _hessian(design: NDArray[np.float64], probability: Values) -> NDArray[np.float64]:
    return design.T @ (design * (probability * (1 - probability))[:, None]) + _RIDGE * np.eye(design.shape[1])


def expit(log_odds: Values) -> Values:
    """Returns the probabilities of log-odds, without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * log_odds)))


def logit(probability: Values) -> Values:
    """Returns the log-odds of probabilities; 0 and 1 are moved by 1e-9 to stay finite."""
    inside = np.clip(probability, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(inside / (1 - inside)))
