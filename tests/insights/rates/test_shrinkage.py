import numpy as np
from scipy import stats

from features.as_of.priors import Prior
from insights.rates.shrinkage import shrunk_mean, shrunk_rate


def test_intervals_of_rates_and_means_hold_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(5)
    prior, n = Prior(rate=0.13, strength=26), rng.integers(0, 60, 20_000).astype(np.float64)
    truth = rng.beta(prior.rate * prior.strength, (1 - prior.rate) * prior.strength, n.size)
    events = rng.binomial(n.astype(int), truth).astype(np.float64)
    rate = shrunk_rate(events, n, prior)
    assert 0.94 < np.mean((rate.low <= truth) & (truth <= rate.high)) < 0.96
    posterior = stats.beta(events + prior.rate * prior.strength, n - events + (1 - prior.rate) * prior.strength)
    np.testing.assert_allclose([rate.low, rate.high], [posterior.ppf(0.025), posterior.ppf(0.975)])
    quality = rng.normal(0.6, np.sqrt(0.02 / 4), n.size)
    totals = n * quality + rng.normal(0, np.sqrt(0.02 * n))
    mean = shrunk_mean(totals, n, Prior(rate=0.6, strength=4), 0.02)
    assert 0.94 < np.mean((mean.low <= quality) & (quality <= mean.high)) < 0.96
