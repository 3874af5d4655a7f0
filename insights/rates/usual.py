"""What is usual in the marketplace, toward which a tutor's few numbers are pulled."""

from datetime import datetime

import numpy as np
from pydantic import BaseModel, ConfigDict

from features.as_of import evidence
from features.as_of.past import Past
from features.as_of.prior_estimation import fit_mean, fit_prior
from features.as_of.priors import Prior, Priors
from features.as_of.queries import microseconds_of, of_tutors
from features.base.array_types import Column, Ints
from features.base.stream import MICROSECONDS_A_DAY
from features.history.history import History
from insights.rates.session_quality import Ratings, ratings

LOOK_BACK_DAYS = 90
"""How far back what is usual is read, and a tutor's own quality."""

FEWEST_TUTORS = 20
"""Of fewer tutors with numbers of their own nothing is usual yet."""


class UsualMean(BaseModel):
    """A prior of a mean in 0..1, with the variance of one measurement within its tutor."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prior: Prior
    variance: float


class Usual(BaseModel):
    """Priors of the share of sessions a tutor moves and of how good sessions and first sessions are.

    The values here stand until there are enough tutors to learn from: a tenth of sessions moved, four and a half
    stars give or take one, each worth as much as a handful of own sessions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    reschedules: Prior = Prior(rate=0.1, strength=10)
    quality: UsualMean = UsualMean(prior=Prior(rate=0.85, strength=5), variance=0.05)
    first_quality: UsualMean = UsualMean(prior=Prior(rate=0.85, strength=5), variance=0.05)


def estimate_usual(history: History, as_of: datetime) -> Usual:
    """What was usual in the 90 days before a moment, from the history of the whole marketplace.

    Never from that of the few tutors a request or an event is about: their values would then depend on one another.
    """
    before = microseconds_of(as_of)
    after = before - LOOK_BACK_DAYS * MICROSECONDS_A_DAY
    found: dict[str, Prior | UsualMean | None] = {
        "reschedules": _reschedules(history, as_of),
        "quality": _mean(ratings(history, after, before), history.n_tutors),
        "first_quality": _mean(ratings(history, after, before, first_only=True), history.n_tutors),
    }
    return Usual.model_validate({name: prior for name, prior in found.items() if prior is not None})


def tutor_past(history: History, tutors: Ints, as_of: datetime) -> Past:
    """The past of tutors (codes) at a moment; counts only, so no prior is asked of it."""
    return Past(history, of_tutors(tutors, microseconds_of(as_of)), Priors.all_equal(Prior(rate=0.0, strength=1.0)))


def _reschedules(history: History, as_of: datetime) -> Prior | None:
    past = tutor_past(history, np.arange(history.n_tutors), as_of)
    moves, sessions = evidence.reschedules("by_tutor", LOOK_BACK_DAYS)(past)
    return fit_prior(moves, sessions) if np.count_nonzero(sessions) >= FEWEST_TUTORS else None


def _mean(found: Ratings, n_tutors: int) -> UsualMean | None:
    total, squares, number = found.sums(n_tutors)
    if np.count_nonzero(number) < FEWEST_TUTORS:
        return None
    return UsualMean(prior=fit_mean(total, squares, number), variance=_within(total, squares, number))


def _within(total: Column, squares: Column, number: Column) -> float:
    some = number > 0
    within = squares[some] - total[some] ** 2 / number[some]
    return float(np.maximum(within, 0).sum() / max(number.sum() - some.sum(), 1))
