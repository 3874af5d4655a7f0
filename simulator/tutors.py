"""Simulated tutors: hidden traits, weekly states, arrivals and departures."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.settings import MarketSettings, RegimeKind, microseconds

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DAY = 86_400_000_000
WEEK = 7 * DAY
HORIZON_DAYS = 30

ZONES = (
    "America/New_York",
    "America/Chicago",
    "America/Los_Angeles",
    "Europe/London",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Asia/Manila",
)
ZONE_SHARES = (0.28, 0.12, 0.15, 0.15, 0.1, 0.12, 0.08)

WEEKLY_HAZARD = 0.0056
"""Baseline weekly hazard of leaving; with the terms below about 4.5 % leave per month."""

ENGAGEMENT_KEPT = 0.9
"""Week-to-week autocorrelation of engagement, whose standard deviation is 1."""

ON_ENGAGEMENT, ON_QUALITY, ON_COMMITMENT, ON_ATTENTION, ON_NEW, ON_OVERLOAD = -1.2, -0.4, -0.2, -0.6, 0.5, 0.35
"""Log hazard per unit of each driver."""

NEW_WEEKS, ATTENTION_WEEKS = 8, 4


@dataclass(frozen=True)
class Tutors:
    """Tutors by code: hidden traits (tutors,), weekly states (tutors, weeks), arrivals and departures.

    Times are UTC microseconds; `departed_at` is the largest integer for a tutor who stays.
    """

    unreliability: Floats
    quality: Floats
    commitment: Floats
    capacity: Floats
    zone: Ints
    started_at: Ints
    departed_at: Ints
    first_week: Ints
    last_week: Ints
    engagement: NDArray[np.float32]
    stress: NDArray[np.float32]
    attended: NDArray[np.bool_]
    log_hazard: NDArray[np.float32]

    @property
    def n(self) -> int:
        """Number of tutors."""
        return self.zone.size


STAYS = np.iinfo(np.int64).max


def make_tutors(settings: MarketSettings, rng: np.random.Generator) -> Tutors:
    """Draw tutors so that about `settings.tutors` are active at any time: leavers are replaced a week later."""
    weeks, begin = settings.weeks, microseconds(settings.begin)
    pool = int(settings.tutors * (1.25 + 0.02 * weeks)) + 10
    traits = rng.standard_normal((3, pool)) * settings.signal
    heavy = np.clip(
        traits[0] * np.sqrt(5 / rng.chisquare(5, pool)) * 0.95, -4, 2.5
    )  # Student's t: a few are far less reliable
    engagement = _engagement(rng, pool, weeks)
    stress = rng.gamma(0.6, 1.0, (pool, weeks)).astype(np.float32)
    attended = rng.random((pool, weeks)) < 0.1
    capacity = np.minimum(rng.gamma(3.0, 1 / 3.0, pool), 2.5)  # an upper limit on weekly capacity
    tenure = np.full(pool, -1, dtype=np.int64)
    tenure[: settings.tutors] = rng.exponential(60, settings.tutors).astype(np.int64)
    static = ON_QUALITY * traits[1] + ON_COMMITMENT * traits[2] + ON_OVERLOAD * settings.signal * (capacity > 1.8)
    life = _live(settings, rng, static, engagement, attended, tenure)
    noise = rng.integers(0, WEEK, pool)
    return Tutors(
        unreliability=heavy,
        quality=traits[1],
        commitment=traits[2],
        capacity=capacity,
        zone=rng.choice(len(ZONES), pool, p=ZONE_SHARES),
        started_at=begin + life.first_week * WEEK - np.maximum(tenure, 0) * WEEK - noise,
        departed_at=life.departed_at,
        first_week=life.first_week,
        last_week=life.last_week,
        engagement=engagement,
        stress=stress,
        attended=attended,
        log_hazard=life.log_hazard,
    )


def _engagement(rng: np.random.Generator, pool: int, weeks: int) -> NDArray[np.float32]:
    states = rng.standard_normal((pool, weeks)).astype(np.float32)
    for week in range(1, weeks):
        states[:, week] = ENGAGEMENT_KEPT * states[:, week - 1] + np.sqrt(1 - ENGAGEMENT_KEPT**2) * states[:, week]
    return states


@dataclass(frozen=True)
class _Life:
    first_week: Ints
    last_week: Ints
    departed_at: Ints
    log_hazard: NDArray[np.float32]


def _live(
    settings: MarketSettings,
    rng: np.random.Generator,
    static: Floats,
    engagement: NDArray[np.float32],
    attended: NDArray[np.bool_],
    tenure: Ints,
) -> _Life:
    """Simulate weeks in order: active tutors leave with the week's hazard, and the next in the pool replaces them."""
    pool, weeks = engagement.shape
    begin, signal = microseconds(settings.begin), settings.signal
    first = np.full(pool, weeks, dtype=np.int64)
    first[: settings.tutors] = 0
    last, departed, joined = np.full(pool, weeks - 1), np.full(pool, STAYS), settings.tutors
    log_hazard = np.zeros((pool, weeks), dtype=np.float32)
    for week in range(weeks):
        recent = attended[:, max(week - ATTENTION_WEEKS, 0) : week].any(axis=1)
        new = week - first + np.maximum(tenure, 0) < NEW_WEEKS
        effects = static + signal * (ON_ENGAGEMENT * engagement[:, week] + ON_ATTENTION * recent + ON_NEW * new)
        # Without signal the same share leaves: the mean of the exponentiated effects is about 1.9.
        log_hazard[:, week] = np.log(WEEKLY_HAZARD * (1.9 if settings.no_signal else 1.0)) + effects
        active = (first <= week) & (departed == STAYS)
        factor = settings.regime_factor(RegimeKind.CHURN, np.array([begin + week * WEEK]))[0]
        leaves = np.flatnonzero(active & (rng.random(pool) < -np.expm1(-factor * np.exp(log_hazard[:, week]))))
        departed[leaves] = begin + week * WEEK + rng.integers(0, WEEK, leaves.size)
        last[leaves] = week
        arrivals = min(leaves.size, pool - joined)
        first[joined : joined + arrivals] = week + 1
        joined += arrivals
    return _Life(first, last, departed, log_hazard)


def leaving_probability(settings: MarketSettings, tutors: Tutors) -> tuple[Ints, Ints, Floats]:
    """True probability of leaving within 30 days: (tutor codes, moments, probabilities), one row per active day.

    Uses the expected hazard of the coming weeks given this week's engagement: engagement is autoregressive and normal,
    so the expectation of its exponential is known. Attention and newness are held constant.
    """
    weeks, begin = settings.weeks, microseconds(settings.begin)
    ahead = np.arange(6)
    shrunk = ENGAGEMENT_KEPT**ahead
    slope = ON_ENGAGEMENT * settings.signal
    hazards = np.exp(
        tutors.log_hazard[:, :, None]
        + slope * (shrunk - 1) * tutors.engagement[:, :, None]
        + slope**2 * (1 - shrunk**2) / 2
    ) * settings.regime_factor(RegimeKind.CHURN, begin + (np.arange(weeks)[:, None] + ahead) * WEEK)
    offset = np.arange(7)[:, None]
    span = np.clip(np.minimum((ahead + 1) * 7, offset + HORIZON_DAYS) - np.maximum(ahead * 7, offset), 0, 7) / 7
    probability = -np.expm1(-np.einsum("twk,dk->twd", hazards, span)).reshape(tutors.n, weeks * 7)
    moments = begin + np.arange(weeks * 7) * DAY
    active = (tutors.first_week[:, None] * 7 <= np.arange(weeks * 7)) & (moments < tutors.departed_at[:, None])
    active &= moments <= microseconds(settings.end)
    tutor, day = np.nonzero(active)
    return tutor, moments[day], probability[tutor, day]
