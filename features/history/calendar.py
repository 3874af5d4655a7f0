"""Booked calendar around a session, as known at a moment.

It depends on two times, the start and the moment, so it is scanned; prefix sums cover only one.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

from domain.vocabulary import SessionStatus
from features.base.array_types import Column, Days, Ints, Values
from features.base.arrays import MISSING
from features.base.kernel import group
from features.base.sessions import SessionColumns
from features.base.stream import MICROSECONDS_A_DAY, MICROSECONDS_AN_HOUR

NEVER = np.iinfo(np.int64).max
NEAR = MICROSECONDS_AN_HOUR // 4
"""Sessions are back to back if the gap between them is at most this."""

WEEK = 7 * MICROSECONDS_A_DAY
LONGEST_DAY = MICROSECONDS_A_DAY + MICROSECONDS_AN_HOUR
"""A local day is an hour longer when daylight saving time ends."""


@dataclass(frozen=True)
class Calendar:
    """All sessions by tutor and start: `begins` (tutors + 1,) bounds each tutor's run; other arrays are (sessions,).

    `known_at` is when the current start became known, `off_at` when the cancellation became known, or NEVER.
    """

    begins: Ints
    row: Ints
    starts_at: Ints
    ends_at: Ints
    day: Days
    known_at: Ints
    off_at: Ints


def calendar_of(sessions: SessionColumns, ends_at: Ints, n_tutors: int) -> Calendar:
    """Build the calendar of a history's sessions; `ends_at` (sessions,) may be MISSING."""
    by_start = np.argsort(sessions.starts_at, kind="stable")
    order, begins = group(sessions.tutor[by_start], n_tutors)
    row = by_start[order]
    off = sessions.is_in({SessionStatus.CANCELLED}) & (sessions.known_at != MISSING)
    return Calendar(
        begins=begins,
        row=row,
        starts_at=sessions.starts_at[row],
        ends_at=ends_at[row],
        day=sessions.day[row],
        known_at=np.maximum(sessions.booked_at, sessions.scheduled_at)[row],
        off_at=np.where(off, sessions.known_at, NEVER)[row],
    )


class Around(NamedTuple):
    """Numbers of other booked sessions of the tutor around each session: (sessions,) each.

    `week` counts starts in the 7 days before it, `day` starts on its local day, `next_to` starts or ends at most 15
    minutes from its start.
    """

    week: Column
    day: Column
    next_to: Column


def booked_around(calendar: Calendar, sessions: SessionColumns, as_of: Ints) -> Around:
    """Counts of the sessions booked around these, as known at `as_of` (sessions,)."""
    queried = (sessions.tutor, sessions.row, sessions.starts_at, sessions.day, as_of)
    c = calendar
    return Around(*_scan(c.begins, c.row, c.starts_at, c.ends_at, c.day, c.known_at, c.off_at, *queried))


@njit(cache=True, nogil=True)
def _scan(
    begins: Ints,
    row: Ints,
    starts_at: Ints,
    ends_at: Ints,
    day: Days,
    known_at: Ints,
    off_at: Ints,
    tutors: Ints,
    rows: Ints,
    starts: Ints,
    days: Days,
    as_of: Ints,
) -> Values:
    counts = np.zeros((3, tutors.size))
    for i in range(tutors.size):
        if tutors[i] < 0:
            continue
        start, end = starts[i], begins[tutors[i] + 1]
        first = begins[tutors[i]]
        j = first + np.searchsorted(starts_at[first:end], start - WEEK)
        while j < end and starts_at[j] < start + LONGEST_DAY:
            if known_at[j] < as_of[i] and off_at[j] >= as_of[i] and row[j] != rows[i]:
                counts[0, i] += starts_at[j] < start
                counts[1, i] += day[j] == days[i]
                ends_near = ends_at[j] != MISSING and abs(ends_at[j] - start) <= NEAR
                counts[2, i] += ends_near or abs(starts_at[j] - start) <= NEAR
            j += 1
    return counts
