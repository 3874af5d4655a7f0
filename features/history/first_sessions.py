"""First session of each pair of tutor and student, and its follow-up bookings."""

from datetime import timedelta

import numpy as np

from domain.vocabulary import SessionStatus
from features.base.array_types import Flags, Ints
from features.base.arrays import MISSING
from features.base.sessions import SessionColumns

FOLLOW_UP = timedelta(days=14)
"""Time for a follow-up booking after the first session; a student without one by then is counted as lost."""


def first_of_pairs(sessions: SessionColumns, finished: Ints) -> Ints:
    """Positions in `finished` of each pair's first session, ascending.

    `finished` are rows of held or missed sessions in the order in which their outcomes became known.
    """
    pair = sessions.pair[finished]
    first = np.full(pair.max(initial=-1) + 2, -1)  # the last element is for sessions without a pair
    first[pair[::-1]] = np.arange(pair.size)[::-1]  # written in reverse, so that the earliest one remains
    return np.sort(first[:-1][first[:-1] >= 0])


def judged_at(sessions: SessionColumns, first: Ints) -> Ints:
    """When the time for a follow-up booking ends, for each first session (rows): (rows,) UTC microseconds."""
    return sessions.known_at[first] + FOLLOW_UP // timedelta(microseconds=1)


def led_nowhere(sessions: SessionColumns, first: Ints, n_pairs: int) -> Flags:
    """True for first sessions (rows) without another booked session of the pair at `judged_at`: (rows,)."""
    deadline, own = (np.full(n_pairs + 1, MISSING) for _ in range(2))  # the last element is for sessions without a pair
    deadline[sessions.pair[first]], own[sessions.pair[first]] = judged_at(sessions, first), first
    until = deadline[sessions.pair]
    off = sessions.is_in({SessionStatus.CANCELLED}) & (sessions.known_at != MISSING) & (sessions.known_at < until)
    others = (sessions.booked_at < until) & ~off & (own[sessions.pair] != np.arange(len(sessions)))
    followed = np.zeros(n_pairs + 1, dtype=np.bool_)
    followed[sessions.pair[others]] = True
    return np.asarray(~followed[sessions.pair[first]])
