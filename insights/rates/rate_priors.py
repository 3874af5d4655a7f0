"""Priors of rates and qualities, estimated from the whole marketplace."""

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
"""Look-back of the priors and of a tutor's own quality."""

MIN_TUTORS = 20
"""Fewest tutors with own counts; below it the default prior is used."""


class MeanPrior(BaseModel):
    """Prior of a mean in 0..1, with the within-tutor variance of one measurement."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prior: Prior
    variance: float


class RatePriors(BaseModel):
    """Priors of the reschedule rate and of the quality of sessions and first sessions.

    The defaults apply until there are enough tutors to estimate from: a tenth of sessions moved, 4.4 stars, each with
    the weight of 5 or 10 own sessions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    reschedules: Prior = Prior(rate=0.1, strength=10)
    quality: MeanPrior = MeanPrior(prior=Prior(rate=0.85, strength=5), variance=0.05)
    first_quality: MeanPrior = MeanPrior(prior=Prior(rate=0.85, strength=5), variance=0.05)


def estimate_rate_priors(history: History, as_of: datetime) -> RatePriors:
    """Estimate the priors of the 90 days before a moment from the history of the whole marketplace.

    Never from the few tutors of one request or event: their scores would then depend on each other.
    """
    before = microseconds_of(as_of)
    after = before - LOOK_BACK_DAYS * MICROSECONDS_A_DAY
    priors: dict[str, Prior | MeanPrior | None] = {
        "reschedules": _reschedules(history, as_of),
        "quality": _mean(ratings(history, after, before), history.n_tutors),
        "first_quality": _mean(ratings(history, after, before, first_only=True), history.n_tutors),
    }
    return RatePriors.model_validate({name: prior for name, prior in priors.items() if prior is not None})


def tutor_past(history: History, tutors: Ints, as_of: datetime) -> Past:
    """Return the past of tutors (codes) at a moment. For counts alone: its priors are placeholders."""
    return Past(history, of_tutors(tutors, microseconds_of(as_of)), Priors.all_equal(Prior(rate=0.0, strength=1.0)))


def _reschedules(history: History, as_of: datetime) -> Prior | None:
    past = tutor_past(history, np.arange(history.n_tutors), as_of)
    moves, sessions = evidence.reschedules("by_tutor", LOOK_BACK_DAYS)(past)
    return fit_prior(moves, sessions) if np.count_nonzero(sessions) >= MIN_TUTORS else None


def _mean(rated: Ratings, n_tutors: int) -> MeanPrior | None:
    total, squares, number = rated.sums(n_tutors)
    if np.count_nonzero(number) < MIN_TUTORS:
        return None
    return MeanPrior(prior=fit_mean(total, squares, number), variance=_within(total, squares, number))


def _within(total: Column, squares: Column, number: Column) -> float:
    some = number > 0
    within = squares[some] - total[some] ** 2 / number[some]
    return float(np.maximum(within, 0).sum() / max(number.sum() - some.sum(), 1))
