"""The booked calendar around a session, as it was known at a moment: two times at once, so a scan, no prefix sums."""

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
"""Sessions this near to each other are back to back."""

WEEK = 7 * MICROSECONDS_A_DAY
LONGEST_DAY = MICROSECONDS_A_DAY + MICROSECONDS_AN_HOUR
"""A local day lasts an hour longer when the clocks go back."""


@dataclass(frozen=True)
class Calendar:
    """All sessions by tutor and start: `begins` (tutors + 1,) bounds each tutor's run; the rest (sessions,) each.

    `known_at` is when the present start became known, `off_at` when the session was known to be off, or NEVER.
    """

    begins: Ints
    row: Ints
    starts_at: Ints
    ends_at: Ints
    day: Days
    known_at: Ints
    off_at: Ints


def calendar_of(sessions: SessionColumns, ends_at: Ints, n_tutors: int) -> Calendar:
    """The calendar of a history's sessions; `ends_at` (sessions,) may be MISSING."""
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
    """How many other sessions of the tutor are on the books around each one asked about: (sessions,) each.

    Those that start in the 7 days before it, on its local day, and those that start or end next to its start.
    """

    week: Column
    day: Column
    next_to: Column


def booked_around(calendar: Calendar, asked: SessionColumns, as_of: Ints) -> Around:
    """Counts on the calendar as it was known at each session's moment."""
    places = (asked.tutor, asked.row, asked.starts_at, asked.day, as_of)
    c = calendar
    return Around(*_scan(c.begins, c.row, c.starts_at, c.ends_at, c.day, c.known_at, c.off_at, *places))


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
    found = np.zeros((3, tutors.size))
    for i in range(tutors.size):
        if tutors[i] < 0:
            continue
        start, end = starts[i], begins[tutors[i] + 1]
        first = begins[tutors[i]]
        j = first + np.searchsorted(starts_at[first:end], start - WEEK)
        while j < end and starts_at[j] < start + LONGEST_DAY:
            if known_at[j] < as_of[i] and off_at[j] >= as_of[i] and row[j] != rows[i]:
                found[0, i] += starts_at[j] < start
                found[1, i] += day[j] == days[i]
                ends_near = ends_at[j] != MISSING and abs(ends_at[j] - start) <= NEAR
                found[2, i] += ends_near or abs(starts_at[j] - start) <= NEAR
            j += 1
    return found
