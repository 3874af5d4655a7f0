"""Hours and weekdays where a tutor lives."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.kernel import Ints

PARTS_OF_DAY = ("night", "morning", "afternoon", "evening")
"""Six hours each, from midnight."""

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

SLOTS = len(WEEKDAYS) * len(PARTS_OF_DAY)
"""Weekday and part of day together."""


def weekday_and_hour(times: Ints, zone_codes: Ints, zones: list[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Local weekday (Monday 0) and hour of UTC microseconds (n,), each in the zone its code names."""
    weekdays, hours = np.zeros(times.size, np.int64), np.zeros(times.size, np.int64)
    for code, zone in enumerate(zones):
        rows = np.flatnonzero(zone_codes == code)
        if rows.size:
            local = pc.local_timestamp(pa.array(times[rows], pa.timestamp("us", tz="UTC")).cast(pa.timestamp("us", tz=zone)))
            # Plain integer arithmetic on the local clock is several times faster than one compute call a part.
            hours_since_epoch = pc.cast(local, pa.int64()).to_numpy() // 3_600_000_000
            hours[rows] = hours_since_epoch % 24
            weekdays[rows] = (hours_since_epoch // 24 + 3) % 7  # 1970-01-01 was a Thursday
    return weekdays, hours


def slot(weekdays: NDArray[np.int64], hours: NDArray[np.int64]) -> NDArray[np.int64]:
    """The slot 0..27 of a local weekday and hour."""
    return weekdays * len(PARTS_OF_DAY) + hours // 6


def slot_name(number: int) -> str:
    """A slot in words, "Thursday evening"."""
    return f"{WEEKDAYS[number // len(PARTS_OF_DAY)]} {PARTS_OF_DAY[number % len(PARTS_OF_DAY)]}"
