"""Trees that start from a straight line: what is fitted, and what it says of a design matrix."""

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
"""What the trees may start from: a straight line, or no more than the share of positives."""

OURS = ("rounds", "start")
"""Settings that XGBoost does not know."""

MOST_WATCHED = 50_000
"""Held-out rows that are looked at after every round."""

MOST_SKETCHED = 100_000
"""Rows whose quantiles bound the bins: of more they hardly differ, and finding them is half of reading a matrix."""

PATIENCE = 30
"""Rounds without a better held-out log loss after which no more are tried."""


@dataclass(frozen=True)
class Shape:
    """What the columns of a design mean: the known sign of each (columns,), and how many periods follow, if any."""

    signs: Sequence[int]
    n_periods: int = 0


@dataclass(frozen=True)
class Fitted:
    """A straight part and the trees on it."""

    linear: Linear
    booster: xgb.Booster

    def margins(self, design: Matrix) -> Values:
        """Log-odds (rows,) of a design matrix (rows, columns)."""
        return margins_of(self.booster, self.linear, design)


def margins_of(booster: xgb.Booster, linear: Linear | None, design: Matrix) -> Values:
    """Log-odds (rows,) of a design matrix: the line's, if there is one, and what the trees add."""
    bent = booster.inplace_predict(design, predict_type="margin", validate_features=False)
    return margins_with(np.asarray(bent).reshape(len(design)), linear, design)


def margins_with(bent: NDArray[np.float32], linear: Linear | None, design: Matrix) -> Values:
    """Log-odds (rows,) of a design matrix: those of the trees (rows,) and the line's, if there is one."""
    straight = linear.log_odds(design) if linear else 0.0
    return np.asarray(straight + bent.astype(np.float64))


def boost(design: Matrix, labels: Values, settings: Params, shape: Shape) -> Fitted:
    """Fit both parts to a design matrix and 0/1 labels (rows,), from the start that the settings name."""
    linear = _start(design, labels, settings, shape)
    data = binned(design, labels, linear)
    return Fitted(linear, xgb.train(plain(settings, shape), data, num_boost_round=int(settings["rounds"])))


def binned(design: Matrix, labels: Values, linear: Linear) -> xgb.QuantileDMatrix:
    """A design matrix as XGBoost reads it, each row starting from the line; bins by at most MOST_SKETCHED rows."""
    step = -(-len(design) // MOST_SKETCHED)
    bins = xgb.QuantileDMatrix(design[::step], labels[::step]) if step > 1 else None
    return xgb.QuantileDMatrix(design, labels, base_margin=linear.log_odds(design), ref=bins)


def silent(design: Matrix, labels: Values, settings: Params, shape: Shape) -> Fitted:
    """What knows nothing but the share of positives (of each period): all weights zero, and no trees."""
    data = xgb.QuantileDMatrix(design[:1], labels[:1])
    booster = xgb.train(plain(settings, shape), data, num_boost_round=0)
    return Fitted(flat(design, labels, len(shape.signs), shape.n_periods), booster)


@dataclass(frozen=True)
class Trial:
    """A fit that was watched on rows it did not see: the held-out log loss after each round (rounds,)."""

    fitted: Fitted
    losses: NDArray[np.float64]

    def margins(self, design: Matrix, rounds: int) -> Values:
        """Log-odds (rows,) after so many rounds."""
        return self.at(rounds).margins(design)

    def at(self, rounds: int) -> Fitted:
        """The fit as it stood after so many rounds."""
        return Fitted(self.fitted.linear, self.fitted.booster[:rounds])


def try_out(
    design: Matrix, labels: Values, held_out: tuple[Matrix, Values], settings: Params, shape: Shape, patience: int
) -> dict[str, Trial]:
    """From either start, a fit watched on rows held out (design, labels), both on the same bins.

    Each stops after `patience` rounds without progress, 0 for never.
    """
    starts = {start: _start(design, labels, settings | {"start": start}, shape) for start in STARTS}
    data = binned(design, labels, starts[LINE])
    step = -(-len(held_out[0]) // MOST_WATCHED)
    seen = held_out[0][::step]
    others = xgb.DMatrix(seen, held_out[1][::step])  # binned, each look at it would take several times as long
    found = {}
    for start, linear in starts.items():
        data.set_base_margin(linear.log_odds(design))
        others.set_base_margin(linear.log_odds(seen))
        found[start] = _watched(linear, data, others, plain(settings, shape), int(settings["rounds"]), patience)
    return found


def _watched(
    linear: Linear, data: xgb.DMatrix, others: xgb.DMatrix, params: Params, rounds: int, patience: int
) -> Trial:
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
    return Trial(Fitted(linear, booster), np.array(losses["held_out"]["logloss"]))


def _start(design: Matrix, labels: Values, settings: Params, shape: Shape) -> Linear:
    """What the trees start from: the line, or with `start` set to `flat` the share of positives."""
    if settings.get("start", LINE) == FLAT:
        return flat(design, labels, len(shape.signs), shape.n_periods)
    return fit_linear(design, labels, shape.signs, shape.n_periods, int(settings["seed"]))


def plain(settings: Params, shape: Shape) -> Params:
    """The settings as XGBoost takes them: constraints where a sign is known, and no start but the line's."""
    signs = [*shape.signs, *([0] if shape.n_periods else [])]
    extra: Params = {
        "monotone_constraints": f"({','.join(map(str, signs))})",
        "base_score": 0.5,
        "device": device(),
    }
    return {name: value for name, value in settings.items() if name not in OURS} | extra
