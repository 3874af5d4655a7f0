"""Simulated outcome of each session, and when it became known."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.vocabulary import SessionStatus
from simulator.changes import Cancellations
from simulator.pairing import NEVER, Meetings
from simulator.schedule import HOUR, Sessions
from simulator.settings import MarketSettings, microseconds
from simulator.tutors import Floats, Ints, Tutors

MINUTE = HOUR // 60
STUDENT_ABSENT_SHARE = 0.01
RATED_SHARE, FIRST_RATED_SHARE = 0.3, 0.7
STATUSES = tuple(str(status) for status in SessionStatus)
BOOKED, COMPLETED, MISSED, ABSENT, CANCELLED = range(5)
"""Indices into STATUSES."""


@dataclass(frozen=True)
class Outcomes:
    """Outcomes (sessions,): codes into STATUSES; `known` marks outcomes known at the present moment.

    `held` sessions are known and completed; `by_tutor` marks cancellations by the tutor. `quality` is hidden; `rating`
    is 0 for unrated sessions.
    """

    status: Ints
    known_at: Ints
    known: NDArray[np.bool_]
    held: NDArray[np.bool_]
    by_tutor: NDArray[np.bool_]
    first_of_pair: NDArray[np.bool_]
    quality: Floats
    rating: Floats
    late_minutes: Floats
    duration_minutes: Floats


def make_outcomes(
    settings: MarketSettings,
    tutors: Tutors,
    sessions: Sessions,
    pair: Ints,
    starts_at: Ints,
    scheduled_at: Ints,
    meetings: Meetings,
    cancellations: Cancellations,
    rng: np.random.Generator,
) -> Outcomes:
    """Draw the outcome of every session, and mark which are known at the present. `pair` (sessions,) are codes."""
    n, left = starts_at.size, (meetings.left_at != NEVER) & ~cancellations.cancelled
    absent = rng.random(n) < STUDENT_ABSENT_SHARE
    status = np.select(
        [cancellations.cancelled | left, meetings.missed, absent], [CANCELLED, MISSED, ABSENT], COMPLETED
    )
    known_at = _known_at(starts_at, scheduled_at, status, left, meetings, cancellations, rng)
    known = known_at < microseconds(settings.end)
    first = _first_of_pair(pair, starts_at)
    quality = 0.8 * tutors.quality[sessions.tutor] + 0.6 * settings.signal * rng.standard_normal(n)
    late = np.maximum(rng.exponential(2.0, n) * np.exp(0.3 * tutors.unreliability[sessions.tutor]) - 2.0, 0).round(1)
    return Outcomes(
        status=status,
        known_at=known_at,
        known=known,
        held=known & (status == COMPLETED),
        by_tutor=cancellations.by_tutor & ~left,
        first_of_pair=first,
        quality=quality,
        rating=_ratings(quality, first, rng),
        late_minutes=late,
        duration_minutes=np.maximum(60 - late + rng.normal(0, 2, n), 5).round(1),
    )


def _known_at(
    starts_at: Ints,
    scheduled_at: Ints,
    status: Ints,
    left: NDArray[np.bool_],
    meetings: Meetings,
    cancellations: Cancellations,
    rng: np.random.Generator,
) -> Ints:
    """When outcomes become known: absences from 15 minutes after the start, sessions soon after their end."""
    held = starts_at + np.where(status == COMPLETED, HOUR, 15 * MINUTE) + rng.integers(0, 30 * MINUTE, starts_at.size)
    # A leaving student cancels booked sessions within a day, and before they start.
    wait = np.where(left, np.minimum(starts_at - meetings.left_at, 24 * HOUR), 0) * rng.random(starts_at.size)
    gone = np.maximum(meetings.left_at + wait.astype(np.int64), scheduled_at + MINUTE)
    called_off = np.where(left, gone, cancellations.known_at)
    return np.where(status == CANCELLED, called_off, held)


def _first_of_pair(pair: Ints, starts_at: Ints) -> NDArray[np.bool_]:
    order = np.lexsort((starts_at, pair))
    first = np.zeros(pair.size, dtype=np.bool_)
    first[order[np.flatnonzero(np.diff(pair[order], prepend=-1))]] = True
    return first


def _ratings(quality: Floats, first: NDArray[np.bool_], rng: np.random.Generator) -> Floats:
    rated = rng.random(quality.size) < np.where(first, FIRST_RATED_SHARE, RATED_SHARE)
    stars = np.clip(np.round(4.2 + 0.6 * quality + 0.6 * rng.standard_normal(quality.size)), 1, 5)
    return np.where(rated, stars, 0.0)
