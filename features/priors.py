"""What is usual in the marketplace, and how strongly a small sample is pulled toward it."""

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from features.history import History
from features.stream import Column, Stream, StreamView


class Prior(BaseModel):
    """A beta prior of a rate: its mean, and its strength counted in sessions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: float
    strength: float

    def shrink(self, events: Column, sessions: Column) -> Column:
        """The posterior mean of each row's rate: (rows,)."""
        return (events + self.strength * self.rate) / (sessions + self.strength)


class Priors(BaseModel):
    """The priors a model was trained with; they travel with it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    no_show: Prior
    slot_no_show: Prior
    reschedule: Prior


def estimate_priors(history: History, before: int) -> Priors:
    """Priors from what was known before a moment (UTC microseconds)."""
    tutors = np.arange(history.n_tutors)
    outcomes, slots = history.outcomes, history.slot_outcomes
    missed, labelled = _known(outcomes, "missed", before), _known(outcomes, "labelled", before)
    in_slots = _known(slots, "missed", before), _known(slots, "labelled", before)
    moved = _known(history.reschedules, "by_tutor", before)[: tutors.size]
    return Priors(
        no_show=fit_prior(missed, labelled),
        slot_no_show=fit_prior(*in_slots),
        reschedule=fit_prior(moved, np.maximum(labelled, moved)),
    )


def fit_prior(events: Column, sessions: Column) -> Prior:
    """Method of moments for a beta-binomial with unequal sample sizes (Kleinman 1973, JASA 68:46).

    Strength is bounded to 1..1000 sessions: few owners give wild moments.
    """
    some = sessions > 0
    x, n = events[some], sessions[some]
    total = n.sum()
    if not total:
        return Prior(rate=0.0, strength=1.0)
    rate = float(x.sum() / total)
    spread = float(((x / n - rate) ** 2 * n).sum())
    within = rate * (1 - rate)
    between = (spread - within * (x.size - 1)) / max(total - (n**2).sum() / total, 1e-9)
    strength = within / between - 1 if between > 0 else 1000.0
    return Prior(rate=rate, strength=float(np.clip(strength, 1, 1000)))


def _known(stream: Stream, name: str, before: int) -> NDArray[np.float64]:
    owners = np.arange(stream.starts.size - 1)
    return StreamView(stream, owners, np.full(owners.size, before)).total(name)
