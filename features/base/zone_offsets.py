"""UTC offsets of time zones as arrays, computed from `zoneinfo` once per process."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import NamedTuple

import numpy as np

from domain.rules import END
from domain.time_zones import time_zone
from features.base.array_types import Flags, Ints

_SECOND = 1_000_000
_WEEK_SECONDS = 7 * 24 * 60 * 60
"""No zone changes its offset twice within a week, so weekly samples show every change."""

_WEEK = _WEEK_SECONDS * _SECOND
_NEAR = int(datetime(2040, 1, 1, tzinfo=UTC).timestamp()) // _WEEK_SECONDS
_FAR = int(END.timestamp()) // _WEEK_SECONDS + 1
"""Weeks since 1970 that are computed: up to 2040 for nearly all data, up to the last supported moment for the rest."""


class Offsets(NamedTuple):
    """Offsets of one zone in microseconds east of UTC, since 1970.

    `after` (changes,) are the moments of the changes, `offset` (changes + 1,) the offsets between them. `weekly`
    (weeks,) is the offset at the start of each week, `changing` (weeks,) is true where it changes within the week.
    """

    after: Ints
    offset: Ints
    weekly: Ints
    changing: Flags


def local(times: Ints, zone: str) -> Ints:
    """Local microseconds since 1970 of UTC microseconds (n,). Raises ValueError for an unknown zone."""
    weeks = times // _WEEK
    table = _offsets(zone, _FAR if times.size and weeks.max() >= _NEAR else _NEAR)
    weeks = np.clip(weeks, 0, table.weekly.size - 1)
    clock: Ints = times + table.weekly[weeks]
    unsure = np.flatnonzero(table.changing[weeks])
    clock[unsure] = times[unsure] + table.offset[np.searchsorted(table.after, times[unsure], side="right")]
    return clock


def to_utc(clock: Ints, zone: str) -> Ints:
    """UTC microseconds of local microseconds (n,).

    An ambiguous local time is the first of the two moments; one within a gap is the end of the gap. Raises ValueError
    for an unknown zone.
    """
    table = _offsets(zone, _FAR if clock.size and clock.max() >= (_NEAR - 1) * _WEEK else _NEAR)
    switches = table.after + np.maximum(table.offset[:-1], table.offset[1:])
    place = np.searchsorted(switches, clock, side="right")
    next_change = np.append(table.after, np.iinfo(np.int64).max)
    moments: Ints = np.minimum(clock - table.offset[place], next_change[place])
    return moments


@cache
def _offsets(zone: str, weeks: int) -> Offsets:
    tzinfo = time_zone(zone)

    def offset(second: int) -> int:
        return (datetime.fromtimestamp(second, tzinfo).utcoffset() or timedelta()) // timedelta(microseconds=1)

    weekly = [offset(week * _WEEK_SECONDS) for week in range(weeks + 1)]
    changes = [week for week in range(weeks) if weekly[week] != weekly[week + 1]]
    after = [_change(offset, week * _WEEK_SECONDS, (week + 1) * _WEEK_SECONDS) for week in changes]
    changing = np.zeros(weeks + 1, bool)
    changing[changes] = True
    between = [weekly[0], *(weekly[week + 1] for week in changes)]
    return Offsets(np.array(after, np.int64) * _SECOND, np.array(between), np.array(weekly), changing)


def _change(offset: Callable[[int], int], low: int, high: int) -> int:
    """First second after `low`, up to `high`, whose offset differs from that at `low`."""
    before = offset(low)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if offset(middle) == before else (low, middle)
    return high
