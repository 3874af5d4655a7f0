"""The first session of each pair of tutor and student, and whether it led to another."""

from datetime import timedelta

import numpy as np

from domain.vocabulary import SessionStatus
from features.base.array_types import Flags, Ints
from features.base.arrays import MISSING
from features.base.sessions import SessionColumns

FOLLOW_UP = timedelta(days=14)
"""A student who has booked nothing more this long after the first session is not coming back."""


def first_of_pairs(sessions: SessionColumns, finished: Ints) -> Ints:
    """Places in `finished` (rows held or missed, by the time that was known) of each pair's first, ascending."""
    pair = sessions.pair[finished]
    first = np.full(pair.max(initial=-1) + 2, -1)  # the last place is for sessions of no pair
    first[pair[::-1]] = np.arange(pair.size)[::-1]  # of equal places the last written stays: the earliest
    return np.sort(first[:-1][first[:-1] >= 0])


def judged_at(sessions: SessionColumns, first: Ints) -> Ints:
    """The moment at which each first session (rows) either led to another or did not: (rows,)."""
    return sessions.known_at[first] + FOLLOW_UP // timedelta(microseconds=1)


def led_nowhere(sessions: SessionColumns, first: Ints, n_pairs: int) -> Flags:
    """Which first sessions (rows) had no other session of the pair on the books when they were judged: (rows,)."""
    deadline, own = (np.full(n_pairs + 1, MISSING) for _ in range(2))  # the last place is for sessions of no pair
    deadline[sessions.pair[first]], own[sessions.pair[first]] = judged_at(sessions, first), first
    until = deadline[sessions.pair]
    off = sessions.is_in({SessionStatus.CANCELLED}) & (sessions.known_at != MISSING) & (sessions.known_at < until)
    others = (sessions.booked_at < until) & ~off & (own[sessions.pair] != np.arange(len(sessions)))
    followed = np.zeros(n_pairs + 1, dtype=np.bool_)
    followed[sessions.pair[others]] = True
    return np.asarray(~followed[sessions.pair[first]])
