"""Trees boosted from a logistic regression: fit and margins."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from features.base.array_types import Matrix, Values
from models.learners.device import device
from models.learners.logistic import Linear, fit_linear, flat

Params = dict[str, float | int | str]

STARTS = LINE, FLAT = "line", "flat"
"""Starts of the trees: the linear part, or the share of positives alone."""

OURS = ("rounds", "start")
"""Settings that are not XGBoost parameters."""

MOST_WATCHED = 50_000
"""Held-out rows evaluated after every round."""

MOST_SKETCHED = 100_000
"""Rows whose quantiles bound the bins. More rows hardly change the bins, and sorting takes half of the read time."""

PATIENCE = 30
"""Rounds without a better held-out log loss after which boosting stops."""


@dataclass(frozen=True)
class Shape:
    """Known sign of each column of a design (columns,), and the number of periods, 0 for none."""

    signs: Sequence[int]
    n_periods: int = 0


@dataclass(frozen=True)
class Fitted:
    """A linear part and the trees boosted from it."""

    linear: Linear
    booster: xgb.Booster

    def margins(self, design: Matrix) -> Values:
        """Returns the log-odds (rows,) of a design matrix (rows, columns)."""
        return margins_of(self.booster, self.linear, design)


def margins_of(booster: xgb.Booster, linear: Linear | None, design: Matrix) -> Values:
    """Returns the log-odds (rows,) of a design matrix: linear part, if any, plus trees."""
    trees = booster.inplace_predict(design, predict_type="margin", validate_features=False)
    return margins_with(np.asarray(trees).reshape(len(design)), linear, design)


def margins_with(trees: NDArray[np.float32], linear: Linear | None, design: Matrix) -> Values:
    """Returns the log-odds (rows,) of a design matrix: those of the trees (rows,) plus the linear part, if any."""
    line = linear.log_odds(design) if linear else 0.0
    return np.asarray(line + trees.astype(np.float64))


def boost(design: Matrix, labels: Values, settings: Params, shape: Shape) -> Fitted:
    """Fit both parts to a design matrix and 0/1 labels (rows,), from the start named in the settings."""
    linear = _start(design, labels, settings, shape)
    data = binned(design, labels, linear)
    return Fitted(linear, xgb.train(plain(settings, shape), data, num_boost_round=int(settings["rounds"])))


def binned(design: Matrix, labels: Values, linear: Linear) -> xgb.QuantileDMatrix:
    """Returns a design matrix for XGBoost: base margin from the linear part, bins from at most MOST_SKETCHED rows."""
    step = -(-len(design) // MOST_SKETCHED)
    bins = xgb.QuantileDMatrix(design[::step], labels[::step]) if step > 1 else None
    return xgb.QuantileDMatrix(design, labels, base_margin=linear.log_odds(design), ref=bins)


def line_only(design: Matrix, labels: Values, settings: Params, shape: Shape) -> Fitted:
    """Returns a fit of the linear part alone, without trees."""
    return alone(_start(design, labels, settings | {"start": LINE}, shape), design, settings, shape)


def base_rate_only(design: Matrix, labels: Values, settings: Params, shape: Shape) -> Fitted:
    """Returns a fit of the share of positives (of each period) alone: all weights zero, no trees."""
    return alone(flat(design, labels, len(shape.signs), shape.n_periods), design, settings, shape)


def alone(linear: Linear, design: Matrix, settings: Params, shape: Shape) -> Fitted:
    """Returns a linear part without trees, for designs with the columns of this one."""
    data = xgb.QuantileDMatrix(design[:1], np.zeros(1))
    return Fitted(linear, xgb.train(plain(settings, shape), data, num_boost_round=0))


@dataclass(frozen=True)
class MonitoredFit:
    """A fit with its held-out log loss after each round (rounds,)."""

    fitted: Fitted
    losses: NDArray[np.float64]

    def margins(self, design: Matrix, rounds: int) -> Values:
        """Returns the log-odds (rows,) after a number of rounds."""
        return self.at(rounds).margins(design)

    def at(self, rounds: int) -> Fitted:
        """Returns the fit truncated to a number of rounds."""
        return Fitted(self.fitted.linear, self.fitted.booster[:rounds])


def try_out(
    design: Matrix, labels: Values, held_out: tuple[Matrix, Values], settings: Params, shape: Shape, patience: int
) -> dict[str, MonitoredFit]:
    """Fit from each start on the same bins, monitored on held-out rows (design, labels).

    Each fit stops after `patience` rounds without progress; 0 never stops.
    """
    starts = {start: _start(design, labels, settings | {"start": start}, shape) for start in STARTS}
    data = binned(design, labels, starts[LINE])
    step = -(-len(held_out[0]) // MOST_WATCHED)
    seen = held_out[0][::step]
    others = xgb.DMatrix(seen, held_out[1][::step])  # a binned matrix takes several times as long to evaluate
    fits = {}
    for start, linear in starts.items():
        data.set_base_margin(linear.log_odds(design))
        others.set_base_margin(linear.log_odds(seen))
        fits[start] = _monitored(linear, data, others, plain(settings, shape), int(settings["rounds"]), patience)
    return fits


def _monitored(
    linear: Linear, data: xgb.DMatrix, others: xgb.DMatrix, params: Params, rounds: int, patience: int
) -> MonitoredFit:
    losses: dict[str, dict[str, list[float]]] = {}
    booster = xgb.train(
        params | {"eval_metric": "logloss"},
        data,
        num_boost_round=rounds,
        evals=[(others, "held_out")],
        evals_result=losses,
        early_stopping_rounds=patience or None,
        verbose_eval=False,
    )
    return MonitoredFit(Fitted(linear, booster), np.array(losses["held_out"]["logloss"]))


def _start(design: Matrix, labels: Values, settings: Params, shape: Shape) -> Linear:
    """Returns the start of the trees: the linear part, or the share of positives where `start` is `flat`."""
    if settings.get("start", LINE) == FLAT:
        return flat(design, labels, len(shape.signs), shape.n_periods)
    return fit_linear(design, labels, shape.signs, shape.n_periods, int(settings["seed"]))


def plain(settings: Params, shape: Shape) -> Params:
    """Returns the settings as XGBoost parameters, with a constraint where a sign is known and a neutral base score."""
    signs = [*shape.signs, *([0] if shape.n_periods else [])]
    extra: Params = {
        "monotone_constraints": f"({','.join(map(str, signs))})",
        "base_score": 0.5,
        "device": device(),
    }
    return {name: value for name, value in settings.items() if name not in OURS} | extra
