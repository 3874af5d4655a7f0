"""From margins to probabilities, with the uncertainty of that step."""

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from features.base.array_types import Values

Z = 1.96
"""Standard errors of a 95 % interval."""

SURE = 2.58
"""The same of a 99 % interval: where there is nothing to know, one training in two hundred believes there is."""

_ITERATIONS = 50
_RIDGE = 1e-6


class Calibration(BaseModel):
    """Logistic calibration: log-odds = slope x margin + intercept, with the covariance of (slope, intercept).

    Source: Platt 1999, in Advances in Large Margin Classifiers. The order of the scores never changes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    slope: float = 1.0
    intercept: float = 0.0
    var_slope: float = 0.0
    var_intercept: float = 0.0
    covariance: float = 0.0

    def probability(self, margins: Values) -> Values:
        """Calibrated probabilities (rows,)."""
        return expit(self.slope * margins + self.intercept)

    def interval(self, margins: Values, z: float = Z) -> tuple[Values, Values]:
        """The 95 % interval of each probability: (low, high), (rows,) each, by the delta method on the log-odds."""
        log_odds = self.slope * margins + self.intercept
        variance = margins**2 * self.var_slope + self.var_intercept + 2 * margins * self.covariance
        reach = z * np.sqrt(np.maximum(variance, 0))
        return expit(log_odds - reach), expit(log_odds + reach)


def fit(margins: Values, labels: Values, clusters: NDArray[np.int64]) -> Calibration:
    """Calibrate on rows nobody trained on: margins, 0/1 labels and cluster codes, (rows,) each.

    Newton steps; the covariance is cluster-robust (Liang and Zeger 1986, Biometrika 73:13), because one tutor's
    rows are not independent.
    """
    weights, robust = _fit(np.column_stack([margins, np.ones_like(margins)]), labels, clusters)
    return Calibration(
        slope=float(weights[0]),
        intercept=float(weights[1]),
        var_slope=float(robust[0, 0]),
        var_intercept=float(robust[1, 1]),
        covariance=float(robust[0, 1]),
    )


def as_it_is(labels: Values, clusters: NDArray[np.int64]) -> Calibration:
    """No change, with the uncertainty of the share of positives: 0/1 labels and cluster codes, (rows,) each."""
    return Calibration(var_intercept=float(_fit(np.ones((labels.size, 1)), labels, clusters)[1][0, 0]))


def tells_apart(
    margins: Values, labels: Values, clusters: NDArray[np.int64], groups: NDArray[np.int8] | None = None
) -> bool:
    """Whether a larger margin surely goes with a higher rate, at 99 %, among rows of the same group: (rows,) each.

    `groups` (rows,) count from 0 where rows differ in their rate for a known reason; None where they do not.
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
    """Newton's step, halved until it lowers the loss: the full one can cycle for ever on overconfident margins."""
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
    """Probabilities of log-odds, without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * log_odds)))


def logit(probability: Values) -> Values:
    """Log-odds of probabilities; 0 and 1 are moved by 1e-9 so that they stay finite."""
    inside = np.clip(probability, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(inside / (1 - inside)))
