"""Simulated markets for tests, each created once per process."""

from functools import lru_cache

from simulator.marketplace import Market, simulate
from simulator.settings import MarketSettings

SMALL = MarketSettings(tutors=700, days=170, sessions_per_day=450, seed=3)
"""Large enough to train both models, small enough to do so in a few seconds."""

FEW = SMALL.model_copy(update={"sessions_per_day": 150})
"""The same number of tutors, and so of departures, with a third of the sessions: still trains both models."""


@lru_cache(maxsize=4)
def market(settings: MarketSettings = SMALL) -> Market:
    """The market simulated with these settings."""
    return simulate(settings)
