"""What came of each session, and when that became known."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from simulator.changes import Cancellations
from simulator.schedule import HOUR, Sessions
from simulator.settings import MarketSettings, microseconds
from simulator.tutors import Floats, Ints, Tutors

MINUTE = HOUR // 60
STUDENT_ABSENT_SHARE = 0.01
RATED_SHARE, FIRST_RATED_SHARE = 0.3, 0.7


@dataclass(frozen=True)
class Outcomes:
    """Outcomes (sessions,): codes into STATUSES; `known` marks what was known at the present moment.

    `held` are known and completed. `quality` is hidden; `rating` is 0 where nobody rated.
    """

    STATUSES: ClassVar[tuple[str, ...]] = ("booked", "completed", "no_show", "student_no_show", "cancelled")

    status: Ints
    known_at: Ints
    known: NDArray[np.bool_]
    held: NDArray[np.bool_]
    cancelled_by: Ints
    first_of_pair: NDArray[np.bool_]
    quality: Floats
    rating: Floats
    late_minutes: Floats
    duration_minutes: Floats


def make_outcomes(
    settings: MarketSettings,
    tutors: Tutors,
    sessions: Sessions,
    starts_at: Ints,
    probability: Floats,
    cancellations: Cancellations,
    rng: np.random.Generator,
) -> Outcomes:
    """Draw every outcome; those known only after the present stay hidden."""
    n, cancelled = starts_at.size, cancellations.cancelled
    missed = ~cancelled & (rng.random(n) < probability)
    absent = ~cancelled & ~missed & (rng.random(n) < STUDENT_ABSENT_SHARE)
    status = np.select([cancelled, missed, absent], [4, 2, 3], 1)
    after = np.where(missed | absent, 15 * MINUTE, HOUR) + rng.integers(0, 30 * MINUTE, n)
    known_at = np.where(cancelled, cancellations.known_at, starts_at + after)
    known = known_at < microseconds(settings.end)
    first = _first_of_pair(sessions.pair, starts_at)
    quality = 0.8 * tutors.quality[sessions.tutor] + 0.6 * settings.signal * rng.standard_normal(n)
    late = np.maximum(rng.exponential(2.0, n) * np.exp(0.3 * tutors.unreliability[sessions.tutor]) - 2.0, 0).round(1)
    return Outcomes(
        status=status,
        known_at=known_at,
        known=known,
        held=known & (status == 1),
        cancelled_by=np.where(cancelled, np.where(cancellations.by_tutor, 0, 1), -1),
        first_of_pair=first,
        quality=quality,
        rating=_ratings(quality, first, rng),
        late_minutes=late,
        duration_minutes=np.maximum(60 - late + rng.normal(0, 2, n), 5).round(1),
    )


def _first_of_pair(pair: Ints, starts_at: Ints) -> NDArray[np.bool_]:
    order = np.lexsort((starts_at, pair))
    first = np.zeros(pair.size, dtype=np.bool_)
    first[order[np.flatnonzero(np.diff(pair[order], prepend=-1))]] = True
    return first


def _ratings(quality: Floats, first: NDArray[np.bool_], rng: np.random.Generator) -> Floats:
    rated = rng.random(quality.size) < np.where(first, FIRST_RATED_SHARE, RATED_SHARE)
    stars = np.clip(np.round(4.2 + 0.6 * quality + 0.6 * rng.standard_normal(quality.size)), 1, 5)
    return np.where(rated, stars, 0.0)
