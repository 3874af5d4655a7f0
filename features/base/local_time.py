"""Local hours, weekdays and slots of tutors."""

import numpy as np

from domain.time_zones import is_time_zone
from features.base.array_types import Codes, Days, Ints
from features.base.stream import MICROSECONDS_AN_HOUR
from features.base.zone_offsets import local

PARTS_OF_DAY = ("night", "morning", "afternoon", "evening")
"""Six hours each, starting at midnight."""

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

SLOTS = len(WEEKDAYS) * len(PARTS_OF_DAY)
"""Number of combinations of weekday and part of day."""


def local_hours(times: Ints, zone_codes: Ints, zones: list[str]) -> Ints:
    """Full local hours since 1970 of UTC microseconds (n,); `zone_codes` (n,) are positions in `zones`, -1 for UTC.

    An unsupported zone counts as UTC; scoring excludes its tutors.
    """
    hours_since_epoch = times // MICROSECONDS_AN_HOUR
    for code, zone in enumerate(zones):
        rows = np.flatnonzero(zone_codes == code)
        if rows.size and zone != "UTC" and is_time_zone(zone):
            hours_since_epoch[rows] = local(times[rows], zone) // MICROSECONDS_AN_HOUR
    return hours_since_epoch


def day_weekday_and_hour(hours_since_epoch: Ints) -> tuple[Days, Codes, Codes]:
    """Days since 1970, weekday (Monday 0) and hour of the day for full local hours: (n,) each."""
    # Integer arithmetic is several times faster than a compute call for each part.
    days = hours_since_epoch // 24
    weekdays = (days + 3) % 7  # 1970-01-01 was a Thursday
    return days.astype(np.int32), weekdays.astype(np.int8), (hours_since_epoch - days * 24).astype(np.int8)


def weekday_and_hour(times: Ints, zone_codes: Ints, zones: list[str]) -> tuple[Codes, Codes]:
    """Local weekday (Monday 0) and hour of UTC microseconds (n,), with zones as in `local_hours`."""
    return day_weekday_and_hour(local_hours(times, zone_codes, zones))[1:]


def slot(weekdays: Codes, hours: Codes) -> Codes:
    """Slot 0..27 of a local weekday and hour."""
    return weekdays * len(PARTS_OF_DAY) + hours // 6


def slot_name(number: int) -> str:
    """Name of a slot, such as "Thursday evening"."""
    return f"{WEEKDAYS[number // len(PARTS_OF_DAY)]} {PARTS_OF_DAY[number % len(PARTS_OF_DAY)]}"
