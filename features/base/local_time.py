"""Hours and weekdays where a tutor lives."""

import numpy as np

from domain.time_zones import is_time_zone
from features.base.array_types import Codes, Days, Ints
from features.base.stream import MICROSECONDS_AN_HOUR
from features.base.zone_offsets import local

PARTS_OF_DAY = ("night", "morning", "afternoon", "evening")
"""Six hours each, from midnight."""

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

SLOTS = len(WEEKDAYS) * len(PARTS_OF_DAY)
"""Weekday and part of day together."""


def local_hours(times: Ints, zone_codes: Ints, zones: list[str]) -> Ints:
    """Full hours since 1970 on the clock of the zone its code names, -1 for UTC, of UTC microseconds (n,).

    A zone that cannot be computed with counts as UTC: scoring leaves its tutors out.
    """
    hours_since_epoch = times // MICROSECONDS_AN_HOUR
    for code, zone in enumerate(zones):
        rows = np.flatnonzero(zone_codes == code)
        if rows.size and zone != "UTC" and is_time_zone(zone):
            hours_since_epoch[rows] = local(times[rows], zone) // MICROSECONDS_AN_HOUR
    return hours_since_epoch


def day_weekday_and_hour(hours_since_epoch: Ints) -> tuple[Days, Codes, Codes]:
    """Days since 1970, weekday (Monday 0) and hour of full local hours: (n,) each."""
    # Plain integer arithmetic on the local clock is several times faster than one compute call a part.
    days = hours_since_epoch // 24
    weekdays = (days + 3) % 7  # 1970-01-01 was a Thursday
    return days.astype(np.int32), weekdays.astype(np.int8), (hours_since_epoch - days * 24).astype(np.int8)


def weekday_and_hour(times: Ints, zone_codes: Ints, zones: list[str]) -> tuple[Codes, Codes]:
    """Local weekday (Monday 0) and hour of UTC microseconds (n,), each in the zone its code names, -1 for UTC."""
    return day_weekday_and_hour(local_hours(times, zone_codes, zones))[1:]


def slot(weekdays: Codes, hours: Codes) -> Codes:
    """The slot 0..27 of a local weekday and hour."""
    return weekdays * len(PARTS_OF_DAY) + hours // 6


def slot_name(number: int) -> str:
    """A slot in words, "Thursday evening"."""
    return f"{WEEKDAYS[number // len(PARTS_OF_DAY)]} {PARTS_OF_DAY[number % len(PARTS_OF_DAY)]}"
