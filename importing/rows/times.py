"""Parsing of whole columns as times, with masks of unreadable rows."""

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

# The ISO 8601 forms that Arrow reads, so that whole-column and per-value parsing agree.
_ZONE = r"(?:Z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)"
_DATE = r"[12]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_HOUR = r"(?:[01]\d|2[0-3])(?::[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?)?"
_ISO = rf"^{_DATE}(?:[T ]{_HOUR}{_ZONE}?)?$"
_ZONED = rf"[T ]\d\d.*{_ZONE}$"
_DAYS_IN_MONTH = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


class Reading(NamedTuple):
    """Settings for reading times: zone of times without an offset, format, span to add, number signs."""

    zone: str
    format: str | None = None
    shift: timedelta = timedelta(0)
    signs: Signs = PLAIN


def parse_time(column: pa.ChunkedArray, reading: Reading) -> Parsed:
    """Parse times as UTC microseconds, between 1900 and 2199.

    A time without an offset is in `reading.zone`; the span is added to local time first, so that one day later is the
    same hour of the next day. An ambiguous local time (clock set back) is the first of the two; a non-existent one
    (clock set forward) is the first moment after the gap.
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
    """Parse a column where every value is readable and all or none have an offset; None for any other."""
    for kind in (TIME, _CLOCK):
        try:
            return text.cast(kind)
        except pa.ArrowInvalid:
            continue
    return None


def _one_by_one(text: pa.ChunkedArray, unreadable: NDArray[np.bool_], reading: Reading) -> Parsed:
    """Parse times with and without offsets, all readable by Arrow."""
    zoned, nothing = pc.match_substring_regex(text, _ZONED), pa.scalar(None, pa.string())
    stated = _placed(pc.if_else(zoned, text, nothing).cast(TIME), reading)
    local = _placed(pc.if_else(zoned, nothing, text).cast(_CLOCK), reading)
    return Parsed(pc.coalesce(stated.values, local.values), unreadable | stated.unreadable | local.unreadable)


def is_time(kind: pa.DataType) -> bool:
    """Whether a column type is a date or timestamp."""
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def _placed(column: pa.ChunkedArray, reading: Reading) -> Parsed:
    """Shift typed dates and times and convert them to UTC; years outside the accepted ones are unreadable."""
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
    """Convert local times of a zone to UTC, as the features compute local hours."""
    moments = np.asarray(pc.fill_null(clock.cast(pa.int64()), 0), np.int64)
    placed = pa.array(to_utc(moments, zone), pa.int64(), mask=np.array(pc.is_null(clock), bool))
    return pa.chunked_array([placed.cast(TIME)])


def _within_years(times: pa.ChunkedArray) -> Parsed:
    first, last = (pa.scalar(end, _CLOCK).cast(times.type) for end in (_EARLIEST, _LATEST))
    return kept(times, is_true(pc.and_(pc.greater_equal(times, first), pc.less(times, last))))


def _iso_text(text: pa.ChunkedArray) -> Parsed:
    """Times as text that Arrow can read; other text is unreadable."""
    if pc.any(pc.match_substring_regex(text, r" (?:UTC|Z|[+-][\d:]+)$|UTC$")).as_py():  # as written by Rails
        text = pc.replace_substring_regex(text, r"\s?(?:UTC|Z)$", "Z")
        text = pc.replace_substring_regex(text, r" ([+-][\d:]+)$", r"\1")
    readable = is_true(pc.match_substring_regex(text, _ISO))
    readable &= _in_calendar(kept(text, readable).values)
    if pc.any(pc.match_substring_regex(text, r"\.\d{7}")).as_py():
        text = pc.replace_substring_regex(text, r"(\.\d{6})\d+", r"\1")
    return kept(text, readable)


def _in_calendar(text: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Whether the day exists in its month. Text is null, which counts as valid, or starts with a date."""
    digits = pc.fill_null(text, "2000-01-01")
    year, month, day = (
        np.asarray(pc.utf8_slice_codeunits(digits, start, end).cast(pa.int64()))
        for start, end in ((0, 4), (5, 7), (8, 10))
    )
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    return np.asarray(day <= _DAYS_IN_MONTH[month] + ((month == 2) & leap))


def _from_format(text: pa.ChunkedArray, pattern: str) -> Parsed:
    """Parse with Python's strptime, once per distinct value: Arrow's reads 31 February as a day in March."""
    words = pc.unique(text).drop_null()
    iso = pa.array([_as_iso(word, pattern) for word in words.to_pylist()], pa.string())
    times = pa.chunked_array([iso.take(combined(pc.index_in(text, words)))])
    return Parsed(times, is_true(pc.and_(pc.is_valid(text), pc.is_null(times))))


def _as_iso(word: str, pattern: str) -> str | None:
    try:
        moment = datetime.strptime(word, pattern)
        return (moment.astimezone(UTC) if moment.tzinfo else moment).isoformat()
    except (ValueError, OverflowError):  # OverflowError if the offset leads out of the calendar
        return None
