"""Simulated changes before a session takes place: reschedules and cancellations."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.schedule import HOUR, Sessions, pick
from simulator.settings import MarketSettings, RegimeKind, microseconds
from simulator.tutors import DAY, Ints, Tutors

TUTOR_SHARE = 0.98
"""Share of reschedules requested by the tutor."""

RESCHEDULE_LOG_ODDS, ON_UNRELIABILITY, ON_STRESS, ON_ENGAGEMENT = -2.25, 0.45, 0.5, -0.25
NO_SIGNAL_LOG_ODDS = -1.92
"""Log odds that a session is moved, with and without signal: both yield about 12 % of sessions."""

CALLED_OFF_SHARE = 0.025
"""Share of individually cancelled sessions; with those of leaving tutors and students about 4 % are cancelled."""


@dataclass(frozen=True)
class Reschedules:
    """Reschedules (n,): row of the session, initiator, and times in UTC microseconds."""

    session: Ints
    by_tutor: NDArray[np.bool_]
    requested_at: Ints
    old_starts_at: Ints
    new_starts_at: Ints


def make_reschedules(
    settings: MarketSettings, tutors: Tutors, sessions: Sessions, rng: np.random.Generator
) -> Reschedules:
    """Draw at most one reschedule per session: unreliable, stressed and disengaged tutors reschedule more often."""
    t, w, signal = sessions.tutor, sessions.week, settings.signal
    log_odds = np.full(t.size, NO_SIGNAL_LOG_ODDS if settings.no_signal else RESCHEDULE_LOG_ODDS)
    log_odds += ON_UNRELIABILITY * tutors.unreliability[t]
    log_odds += signal * (ON_STRESS * tutors.stress[t, w] + ON_ENGAGEMENT * tutors.engagement[t, w])
    log_odds += np.log(settings.regime_factor(RegimeKind.RESCHEDULE, sessions.starts_at))
    moved = np.flatnonzero(rng.random(t.size) < 1 / (1 + np.exp(-log_odds)))
    lead = sessions.starts_at[moved] - sessions.booked_at[moved]
    notice = np.minimum(pick(rng, moved.size, 0.3, 150) * HOUR, 0.95 * lead).astype(np.int64)
    requested_at = sessions.starts_at[moved] - notice
    # Requests after the present, or after the tutor has left, are not part of the data.
    until = np.minimum(microseconds(settings.end), tutors.departed_at[t[moved]])
    some = requested_at < until
    moved, requested_at = moved[some], requested_at[some]
    shift = rng.integers(1, 6, moved.size) * DAY + rng.integers(-2, 3, moved.size) * HOUR
    old = sessions.starts_at[moved]
    return Reschedules(moved, rng.random(moved.size) < TUTOR_SHARE, requested_at, old, old + shift)


@dataclass(frozen=True)
class Cancellations:
    """Cancellations (n,): whether a session is cancelled, when that became known, and by which party."""

    cancelled: NDArray[np.bool_]
    known_at: Ints
    by_tutor: NDArray[np.bool_]


def make_cancellations(
    tutors: Tutors, sessions: Sessions, starts_at: Ints, scheduled_at: Ints, rng: np.random.Generator
) -> Cancellations:
    """Cancel a few percent of sessions, by either party, and all remaining sessions of leaving tutors."""
    n = starts_at.size
    cancelled = rng.random(n) < CALLED_OFF_SHARE
    lead = starts_at - scheduled_at
    notice = np.minimum(pick(rng, n, 0.5, 200) * HOUR, 0.95 * lead).astype(np.int64)
    departed = tutors.departed_at[sessions.tutor]
    left = starts_at >= departed
    known_at = np.where(left, np.maximum(departed, scheduled_at + 1), starts_at - notice)
    return Cancellations(cancelled | left, known_at, left | (rng.random(n) < 0.5))
