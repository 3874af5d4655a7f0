"""Frailty: a tutor's own record against the forecast, while the history is short.

The columns of a model describe tutors like those of the training. A newcomer whose record those columns do not explain
is unlike them: 6 of 15 sessions missed where the forecast expects one. With the forecast p, n sessions and k no-shows,
and a gamma prior of the factor by which a tutor differs from the forecast, the posterior factor is (s + k) / (s + n p).
Source: Clayton and Kaldor 1987, Biometrics 43:671.
"""

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from features.as_of.priors import Prior
from features.base.array_types import Matrix, Values
from models.learners.calibration import expit, log_losses

LONG = 100
"""Sessions from which the columns describe a tutor fully: the weight of the factor falls linearly to 0."""

STRENGTHS = (3.0, None, 2.0, 5.0, 10.0, 20.0)
"""Strengths s that are compared on held-out rows, None for no factor; the first is the default."""

CLEAR_GAIN = 1.0
"""Log likelihood by which a strength must be better than the default (Akaike 1974, IEEE TAC 19:716)."""

COLUMNS = MISSED, RATE = "no_shows_lifetime", "no_show_rate"


class Frailty(BaseModel):
    """Strength of the prior factor in expected no-shows, and the prior by which the rate column was shrunk."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    strength: float
    prior: Prior

    def shift(self, margins: Values, columns: Matrix, names: Sequence[str]) -> Values:
        """Returns the change of the margins (rows,), from a matrix (rows, columns) with named columns."""
        missed, sessions = record(columns, names, self.prior)
        return shift(self.strength, margins, missed, sessions)


def record(columns: Matrix, names: Sequence[str], prior: Prior) -> tuple[Values, Values]:
    """Returns no-shows and sessions so far, (rows,) each; 0 where the matrix has no value."""
    missed, rate = (np.nan_to_num(columns[:, names.index(name)].astype(np.float64)) for name in COLUMNS)
    events = missed + prior.strength * prior.rate
    sessions = np.divide(events, rate, out=np.zeros(missed.size), where=rate > 0) - prior.strength
    return missed, np.maximum(sessions, 0)


def shift(strength: float, margins: Values, missed: Values, sessions: Values) -> Values:
    """Returns the change of the margins by a strength: margins, no-shows and sessions so far, (rows,) each."""
    weight = np.maximum(1 - sessions / LONG, 0)
    return np.asarray(weight * np.log((strength + missed) / (strength + sessions * expit(margins))))


def choose(margins: Values, labels: Values, columns: Matrix, names: Sequence[str], prior: Prior) -> Frailty | None:
    """Returns the frailty of held-out rows: margins, 0/1 labels (rows,) and their matrix; None for no factor.

    The default strength stays unless another is clearly more likely.
    """
    missed, sessions = record(columns, names, prior)
    losses = {
        strength: log_losses(margins + (shift(strength, margins, missed, sessions) if strength else 0), labels).sum()
        for strength in STRENGTHS
    }
    default, best = STRENGTHS[0], min(losses, key=lambda strength: float(losses[strength]))
    strength = best if losses[default] - losses[best] > CLEAR_GAIN else default
    return Frailty(strength=strength, prior=prior) if strength else None
