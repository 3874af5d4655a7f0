"""Sessions as aligned arrays, and the owner codes of their streams."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyarrow as pa

from domain.vocabulary import SessionStatus
from features.base.array_types import Codes, Days, Flags, Ints
from features.base.local_time import PARTS_OF_DAY, SLOTS, WEEKDAYS


@dataclass(frozen=True)
class SessionColumns:
    """Sessions as aligned arrays (sessions,): codes into the history's ids, times in UTC microseconds or MISSING.

    `row` is the session's row in the history, -1 for a session that is not in it. `day` is the local day of the start
    since 1970. `status` is a position in SessionStatus, -1 for none of them. `student_given` is true if the session
    names a student, whether or not the history contains that student. `students` are the ids of the students, only
    where the dataset declares their history; `asked` is the time before the start that it declares, if any.
    """

    row: Ints
    tutor: Ints
    pair: Ints
    student_given: Flags
    slot: Codes
    day: Days
    weekday: Codes
    hour: Codes
    booked_at: Ints
    scheduled_at: Ints
    starts_at: Ints
    known_at: Ints
    status: Codes
    attributes: Mapping[str, pa.Array]
    students: pa.Array | None = None
    asked: timedelta | None = None

    def __len__(self) -> int:
        return self.tutor.size

    def is_in(self, statuses: frozenset[SessionStatus] | set[SessionStatus]) -> Flags:
        """True for sessions with one of these statuses: (sessions,)."""
        wanted = np.array([status in statuses for status in SessionStatus] + [False])
        return np.asarray(wanted[self.status])


def slot_owner(tutor: Ints, slots: Codes) -> Ints:
    """Owner code of a tutor's slot in `History.slot_outcomes`, -1 for an unknown tutor."""
    return np.where(tutor >= 0, tutor * SLOTS + slots, -1)


def weekday_owner(tutor: Ints, weekdays: Codes) -> Ints:
    """Owner code of a tutor's weekday in `History.weekday_outcomes`, -1 for an unknown tutor."""
    return np.where(tutor >= 0, tutor * len(WEEKDAYS) + weekdays, -1)


def part_owner(tutor: Ints, slots: Codes) -> Ints:
    """Owner code of a tutor's part of day in `History.part_outcomes`, -1 for an unknown tutor."""
    return np.where(tutor >= 0, tutor * len(PARTS_OF_DAY) + slots % len(PARTS_OF_DAY), -1)
