"""Week by week: which sessions are missed, and which students leave their tutor over it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.no_shows import ON_NEW_PAIR, probability
from simulator.schedule import HOUR, Sessions
from simulator.settings import MarketSettings
from simulator.tutors import Floats, Ints

LEAVES_SHARE = 0.4
"""Share of no-shows after which the student asks for another tutor."""

TRIAL = 3
"""A student gives a tutor this many sessions before leaving; so long do bookings of the one before stand."""

NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Meetings:
    """What came of the sessions (n,): the true probability of a no-show, and whether one was drawn.

    `turn` counts the pairs of a segment: each no-show that ends a pair (`ends_pair`) gives the segment to the next.
    `left_at` is when the student of a session, booked before, had left the tutor; NEVER for all others.
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
    """Draw no-shows in the order of weeks: who is new to a tutor is missed more, and who is missed may leave."""
    n, segments = starts_at.size, int(sessions.segment.max(initial=-1)) + 1
    found = Meetings(
        np.empty(n), np.zeros(n, np.bool_), np.empty(n, np.int64), np.zeros(n, np.bool_), np.empty(n, np.int64)
    )
    draw, leaving, blind = rng.random(n), rng.random(n), rng.random(n)
    ended_at = np.full(segments, NEVER)
    turn, seen = np.zeros(segments, np.int64), np.zeros(segments, np.int64)
    for rows in _weeks(sessions.week, settings.weeks):
        of = sessions.segment[rows]
        earlier = sessions.booked_at[rows] < ended_at[of]  # booked by the student who has left since
        late = earlier & (starts_at[rows] > ended_at[of])
        chance = probability(log_odds[rows] + settings.signal * ON_NEW_PAIR * (~earlier & (seen[of] < 2)))
        missed = ~cancelled[rows] & ~late & (draw[rows] < chance)
        seen[of] += ~earlier
        found.probability[rows], found.missed[rows] = chance, missed
        found.turn[rows], found.left_at[rows] = turn[of] - earlier, np.where(late, ended_at[of], NEVER)
        # Without signal as many leave, but not those who were let down.
        let_down = (blind[rows] < chance) & ~late if settings.no_signal else missed
        ends = let_down & ~earlier & (seen[of] >= TRIAL) & (leaving[rows] < LEAVES_SHARE)
        found.ends_pair[rows] = ends
        ended_at[of[ends]] = starts_at[rows[ends]] + HOUR
        turn[of[ends]] += 1
        seen[of[ends]] = 0
    return found


def _weeks(week: Ints, weeks: int) -> list[Ints]:
    """The rows of each week; no segment comes twice in one."""
    order = np.argsort(week, kind="stable")
    return np.split(order, np.searchsorted(week[order], np.arange(1, weeks)))
