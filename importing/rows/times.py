"""Columns of files as times: whole columns at once, and where they could not be read."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.base.dataset import TIME
from features.base.zone_offsets import to_utc
from importing.files.parsing import PLAIN, Parsed, Signs, as_text, combined, is_true, kept
from importing.format.time_formats import NAMED
from importing.rows.counted_times import counted_time

_CLOCK = pa.timestamp("us")
_EARLIEST, _LATEST = datetime(1900, 1, 1), datetime(2200, 1, 1)

# The forms of ISO 8601 that Arrow reads, so that a column is read alike at once and value by value.
_ZONE = r"(?:Z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)"
_DATE = r"[12]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_HOUR = r"(?:[01]\d|2[0-3])(?::[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?)?"
_ISO = rf"^{_DATE}(?:[T ]{_HOUR}{_ZONE}?)?$"
_ZONED = rf"[T ]\d\d.*{_ZONE}$"
_DAYS_IN_MONTH = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


class Reading(NamedTuple):
    """How times are read: the zone of those that state none, their format, a span to add, and number signs."""

    zone: str
    format: str | None = None
    shift: timedelta = timedelta(0)
    signs: Signs = PLAIN


def parse_time(column: pa.ChunkedArray, reading: Reading) -> Parsed:
    """Times as UTC microseconds, between 1900 and 2199.

    A time that states no zone is of `reading.zone`; the span is added to its clock before that, so that a day more is
    the same hour of the next day. Where the clock is set back and a time comes twice, the first is meant; where it is
    set forward and a time does not exist, the first moment after the gap.
    """
    if is_time(column.type):
        return _placed(column, reading)
    if reading.format is not None and reading.format in NAMED:
        times, unreadable = counted_time(column, reading.format, reading.signs)
        placed = _placed(times, reading)
        return Parsed(placed.values, unreadable | placed.unreadable)
    text = pc.utf8_trim_whitespace(as_text(column))
    if reading.format:
        text, unreadable = _from_format(text, reading.format)
        return _one_by_one(text, unreadable, reading)
    times = _at_once(text)
    return _one_by_one(*_iso_text(text), reading) if times is None else _placed(times, reading)


def _at_once(text: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """A column in which every value can be read and all or none state a zone; None for any other."""
    for kind in (TIME, _CLOCK):
        try:
            return text.cast(kind)
        except pa.ArrowInvalid:
            continue
    return None


def _one_by_one(text: pa.ChunkedArray, unreadable: NDArray[np.bool_], reading: Reading) -> Parsed:
    """Times of which some state a zone and some do not, all of them such that Arrow can read them."""
    zoned, nothing = pc.match_substring_regex(text, _ZONED), pa.scalar(None, pa.string())
    stated = _placed(pc.if_else(zoned, text, nothing).cast(TIME), reading)
    local = _placed(pc.if_else(zoned, nothing, text).cast(_CLOCK), reading)
    return Parsed(pc.coalesce(stated.values, local.values), unreadable | stated.unreadable | local.unreadable)


def is_time(kind: pa.DataType) -> bool:
    """Whether a Parquet column holds dates or times of a date."""
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def _placed(column: pa.ChunkedArray, reading: Reading) -> Parsed:
    """Typed dates and times in UTC, shifted; those outside the years we take are unreadable."""
    zone = column.type.tz if pa.types.is_timestamp(column.type) else None
    clock = column.cast(pa.timestamp("us", tz=zone) if zone else _CLOCK, safe=False)
    shifted, outside = _within_years(clock)
    if reading.shift:
        shifted, later = _within_years(pc.add(shifted, pa.scalar(reading.shift, pa.duration("us"))))
        outside = outside | later
    if not zone:
        shifted = _in_utc(shifted, reading.zone)
    return Parsed(shifted.cast(TIME), outside)


def _in_utc(clock: pa.ChunkedArray, zone: str) -> pa.ChunkedArray:
    """Times on the clock of a zone as UTC times, computed as the features compute local hours."""
    moments = np.asarray(pc.fill_null(clock.cast(pa.int64()), 0), np.int64)
    placed = pa.array(to_utc(moments, zone), pa.int64(), mask=np.array(pc.is_null(clock), bool))
    return pa.chunked_array([placed.cast(TIME)])


def _within_years(times: pa.ChunkedArray) -> Parsed:
    first, last = (pa.scalar(end, _CLOCK).cast(times.type) for end in (_EARLIEST, _LATEST))
    return kept(times, is_true(pc.and_(pc.greater_equal(times, first), pc.less(times, last))))


def _iso_text(text: pa.ChunkedArray) -> Parsed:
    """Times as text that Arrow is sure to read."""
    if pc.any(pc.match_substring_regex(text, r" (?:UTC|Z|[+-][\d:]+)$|UTC$")).as_py():  # as Rails writes them
        text = pc.replace_substring_regex(text, r"\s?(?:UTC|Z)$", "Z")
        text = pc.replace_substring_regex(text, r" ([+-][\d:]+)$", r"\1")
    readable = is_true(pc.match_substring_regex(text, _ISO))
    readable &= _in_calendar(kept(text, readable).values)
    if pc.any(pc.match_substring_regex(text, r"\.\d{7}")).as_py():
        text = pc.replace_substring_regex(text, r"(\.\d{6})\d+", r"\1")
    return kept(text, readable)


def _in_calendar(text: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Whether the day is one of its month. Text is null or begins with the digits of a date; null is in it."""
    digits = pc.fill_null(text, "2000-01-01")
    year, month, day = (
        np.asarray(pc.utf8_slice_codeunits(digits, start, end).cast(pa.int64()))
        for start, end in ((0, 4), (5, 7), (8, 10))
    )
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    return np.asarray(day <= _DAYS_IN_MONTH[month] + ((month == 2) & leap))


def _from_format(text: pa.ChunkedArray, pattern: str) -> Parsed:
    """Python's own strptime, once a distinct value: Arrow's takes 31 February for a day in March."""
    words = pc.unique(text).drop_null()
    iso = pa.array([_as_iso(word, pattern) for word in words.to_pylist()], pa.string())
    times = pa.chunked_array([iso.take(combined(pc.index_in(text, words)))])
    return Parsed(times, is_true(pc.and_(pc.is_valid(text), pc.is_null(times))))


def _as_iso(word: str, pattern: str) -> str | None:
    try:
        moment = datetime.strptime(word, pattern)
        return (moment.astimezone(UTC) if moment.tzinfo else moment).isoformat()
    except (ValueError, OverflowError):  # the second where the zone would lead out of the calendar
        return None
