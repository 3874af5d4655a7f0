"""Week-by-week simulation of no-shows, and of students who leave their tutor because of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.no_shows import ON_NEW_PAIR, probability
from simulator.schedule import HOUR, Sessions
from simulator.settings import MarketSettings
from simulator.tutors import Floats, Ints

LEAVES_SHARE = 0.4
"""Share of no-shows after which the student requests another tutor."""

TRIAL = 3
"""Sessions a student has with a tutor before leaving; for as long, the previous student's bookings remain."""

NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Meetings:
    """Results for the sessions (n,): true probability of a no-show, and whether one was drawn.

    `turn` numbers the pairs of a segment: each no-show that ends a pair (`ends_pair`) passes the segment to the next.
    `left_at` is when the student of an earlier booked session had left the tutor; NEVER for all others.
    """

    probability: Floats
    missed: NDArray[np.bool_]
    turn: Ints
    ends_pair: NDArray[np.bool_]
    left_at: Ints


def meet(
    settings: MarketSettings,
    sessions: Sessions,
    starts_at: Ints,
    log_odds: Floats,
    cancelled: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Meetings:
    """Draw no-shows week by week: new pairs have more of them, and students may leave after one."""
    n, segments = starts_at.size, int(sessions.segment.max(initial=-1)) + 1
    meetings = Meetings(
        np.empty(n), np.zeros(n, np.bool_), np.empty(n, np.int64), np.zeros(n, np.bool_), np.empty(n, np.int64)
    )
    draw, leaving, blind = rng.random(n), rng.random(n), rng.random(n)
    ended_at = np.full(segments, NEVER)
    turn, seen = np.zeros(segments, np.int64), np.zeros(segments, np.int64)
    for rows in _weeks(sessions.week, settings.weeks):
        of = sessions.segment[rows]
        earlier = sessions.booked_at[rows] < ended_at[of]  # booked by a student who has since left
        late = earlier & (starts_at[rows] > ended_at[of])
        chance = probability(log_odds[rows] + settings.signal * ON_NEW_PAIR * (~earlier & (seen[of] < 2)))
        missed = ~cancelled[rows] & ~late & (draw[rows] < chance)
        seen[of] += ~earlier
        meetings.probability[rows], meetings.missed[rows] = chance, missed
        meetings.turn[rows], meetings.left_at[rows] = turn[of] - earlier, np.where(late, ended_at[of], NEVER)
        # Without signal the same number leaves, but independently of no-shows.
        let_down = (blind[rows] < chance) & ~late if settings.no_signal else missed
        ends = let_down & ~earlier & (seen[of] >= TRIAL) & (leaving[rows] < LEAVES_SHARE)
        meetings.ends_pair[rows] = ends
        ended_at[of[ends]] = starts_at[rows[ends]] + HOUR
        turn[of[ends]] += 1
        seen[of[ends]] = 0
    return meetings


def _weeks(week: Ints, weeks: int) -> list[Ints]:
    """Rows of each week; no segment occurs twice in a week."""
    order = np.argsort(week, kind="stable")
    return np.split(order, np.searchsorted(week[order], np.arange(1, weeks)))
