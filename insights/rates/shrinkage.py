"""Shrinkage of small samples towards a prior, with posterior intervals.

Empirical Bayes: the prior's mean and strength come from the whole marketplace
(`features.as_of.priors`: Kleinman 1973 for rates, Searle 1971 for means), and each tutor's own numbers move it.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

from features.as_of.priors import Prior
from features.base.array_types import Column

Z = 1.96
"""Normal quantile of a two-sided 95 % interval."""


@dataclass(frozen=True)
class Posterior:
    """Fractions in 0..1 with the ends of their 95 % intervals: (rows,) each."""

    value: Column
    low: Column
    high: Column


def shrunk_rate(events: Column, of: Column, prior: Prior) -> Posterior:
    """Rates of `events` among `of`, the posterior means of a beta prior: (rows,).

    The interval is the posterior's, with at least one event and one session without on the books of the interval: below
    that it would be sure of nothing but itself.
    """
    value = prior.shrink(events, of)
    with_event = np.maximum(value * (of + prior.strength), 1.0)
    without = np.maximum((1 - value) * (of + prior.strength), 1.0)
    low, high = (betaincinv(with_event, without, share) for share in (0.025, 0.975))
    return Posterior(value, np.minimum(low, value), np.maximum(high, value))


def shrunk_mean(total: Column, of: Column, prior: Prior, variance: float) -> Posterior:
    """Means of `of` measurements in 0..1 that add up to `total`, the posterior means of a normal prior: (rows,).

    `variance` is that of one measurement within its tutor; the interval is the normal posterior's (Gelman et al. 2013,
    Bayesian Data Analysis, section 2.5), cut to 0..1.
    """
    value = np.clip(prior.shrink(total, of), 0, 1)
    half = Z * np.sqrt(variance / (of + prior.strength))
    return Posterior(value, np.clip(value - half, 0, 1), np.clip(value + half, 0, 1))


def log_odds_against(value: Column, prior_mean: float) -> Column:
    """Return the difference in log odds between fractions and a prior mean: (rows,). Kept finite at 0 and 1."""
    near = np.clip(value, 1e-3, 1 - 1e-3)
    at = float(np.clip(prior_mean, 1e-3, 1 - 1e-3))
    return np.asarray(np.log(near / (1 - near)) - np.log(at / (1 - at)))
