"""Calibration: margins to probabilities, with the uncertainty of the calibration."""

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from features.base.array_types import Values

Z = 1.96
"""Standard errors of a 95 % interval."""

SURE = 2.58
"""Standard errors of a 99 % interval: without signal, one training in two hundred reports some."""

_ITERATIONS = 50
_RIDGE = 1e-6


class Calibration(BaseModel):
    """Logistic calibration: log-odds = slope x margin + intercept, with the covariance of (slope, intercept).

    Source: Platt 1999, in Advances in Large Margin Classifiers. The order of scores is preserved.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    slope: float = 1.0
    intercept: float = 0.0
    var_slope: float = 0.0
    var_intercept: float = 0.0
    covariance: float = 0.0

    def probability(self, margins: Values) -> Values:
        """Returns calibrated probabilities (rows,)."""
        return expit(self.slope * margins + self.intercept)

    def interval(self, margins: Values, z: float = Z) -> tuple[Values, Values]:
        """Returns the 95 % interval (low, high) of each probability, (rows,) each: delta method on the log-odds."""
        log_odds = self.slope * margins + self.intercept
        variance = margins**2 * self.var_slope + self.var_intercept + 2 * margins * self.covariance
        reach = z * np.sqrt(np.maximum(variance, 0))
        return expit(log_odds - reach), expit(log_odds + reach)


def fit(margins: Values, labels: Values, clusters: NDArray[np.int64]) -> Calibration:
    """Fit to held-out rows: margins, 0/1 labels and cluster codes, (rows,) each.

    Method: Newton. The covariance is cluster-robust (Liang and Zeger 1986, Biometrika 73:13), because the rows of one
    tutor are not independent.
    """
    weights, robust = _fit(np.column_stack([margins, np.ones_like(margins)]), labels, clusters)
    return Calibration(
        slope=float(weights[0]),
        intercept=float(weights[1]),
        var_slope=float(robust[0, 0]),
        var_intercept=float(robust[1, 1]),
        covariance=float(robust[0, 1]),
    )


def identity(labels: Values, clusters: NDArray[np.int64]) -> Calibration:
    """Returns the identity with the uncertainty of the share of positives: 0/1 labels, cluster codes, (rows,) each."""
    return Calibration(var_intercept=float(_fit(np.ones((labels.size, 1)), labels, clusters)[1][0, 0]))


def discriminates(
    margins: Values, labels: Values, clusters: NDArray[np.int64], groups: NDArray[np.int8] | None = None
) -> bool:
    """Returns whether larger margins have a higher rate, at 99 %, within groups: (rows,) each.

    `groups` (rows,) are codes from 0 of rows whose rates differ for a known reason; None for a single group.
    """
    place = np.zeros(margins.size, np.int64) if groups is None else groups.astype(np.int64)
    rows = np.bincount(place)
    means = np.bincount(place, margins) / np.maximum(rows, 1)
    dummies = np.eye(rows.size)[place][:, rows > 0]
    weights, robust = _fit(np.column_stack([margins - means[place], dummies]), labels, clusters)
    return bool(weights[0] > SURE * np.sqrt(robust[0, 0]))


def _fit(
    design: NDArray[np.float64], labels: Values, clusters: NDArray[np.int64]
) -> tuple[Values, NDArray[np.float64]]:
    weights = np.zeros(design.shape[1])
    for _ in range(_ITERATIONS):
        step = _newton_step(design, labels, weights)
        weights = weights + step
        if np.abs(step).max() < 1e-9:
            break
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
