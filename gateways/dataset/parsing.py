"""Columns of files as text, numbers and times: whole columns at once, and where they could not be read."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.dataset import TIME

_CLOCK = pa.timestamp("us")
_EARLIEST, _LATEST = datetime(1900, 1, 1), datetime(2200, 1, 1)
_EXACT = float(2**53)
"""Doubles hold every whole number up to here."""

_NUMBER = r"^-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"
_ZONE = r"(?:Z|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)"
_ISO = rf"^[12]\d{{3}}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?:[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{{1,9}})?)?{_ZONE}?)?$"
_ZONED = rf":\d\d(?:\.\d+)?{_ZONE}$|Z$"
_DAYS_IN_MONTH = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


class Parsed(NamedTuple):
    """Values of a column, null where the file has none, and a mask of rows whose value could not be read."""

    values: pa.ChunkedArray
    unreadable: NDArray[np.bool_]


class Reading(NamedTuple):
    """How times are read: the zone of those that state none, their format, and a span to add."""

    zone: str
    format: str | None = None
    shift: timedelta = timedelta(0)


def is_flat(kind: pa.DataType) -> bool:
    """Whether a Parquet column holds plain values, not lists, records or bytes."""
    return not (pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Any column as text. Whole numbers in doubles lose their `.0`; text of nothing but space becomes null."""
    if pa.types.is_dictionary(column.type):
        return as_text(column.cast(column.type.value_type))
    if pa.types.is_floating(column.type):
        return _float_as_text(column)
    text = column.cast(pa.string())
    blank = pc.match_substring_regex(text, r"^\s*$")
    return pc.if_else(blank, pa.scalar(None, pa.string()), text) if pc.any(blank).as_py() else text


def _float_as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    column = _without_nan(column)
    whole = pc.and_(pc.equal(pc.floor(column), column), pc.less_equal(pc.abs(column), _EXACT))
    digits = pc.if_else(whole, column, None).cast(pa.int64()).cast(pa.string())
    return pc.if_else(whole, digits, column.cast(pa.string()))


def _without_nan(column: pa.ChunkedArray) -> pa.ChunkedArray:
    column = column.cast(pa.float64())
    return pc.if_else(pc.is_nan(column), pa.scalar(None, pa.float64()), column)  # pandas writes NaN for nothing


def mapped(text: pa.ChunkedArray, meanings: Mapping[str, str | None]) -> pa.ChunkedArray:
    """Text with what the file says replaced by what it means; what has no meaning given stays."""
    said = pa.array(list(meanings), pa.string())
    place = pc.index_in(pc.fill_null(text, ""), said)
    meant = pa.array(list(meanings.values()), pa.string()).take(_combined(place))
    return pc.if_else(pc.is_valid(place), pa.chunked_array([meant]), text)


def parse_text(column: pa.ChunkedArray) -> Parsed:
    """Text as it is. A NUL character, which no database takes, is unreadable."""
    text = as_text(column)
    return Parsed(text, _true(pc.match_substring(text, "\0")))


def parse_choice(column: pa.ChunkedArray, choices: Collection[str]) -> Parsed:
    """Text that must be one of the choices."""
    text = pc.utf8_trim_whitespace(as_text(column))
    return _kept(text, _known(text, pa.array(list(choices), pa.string())))


def _known(text: pa.ChunkedArray, choices: pa.Array) -> NDArray[np.bool_]:
    return _true(pc.is_in(text, value_set=choices))


def parse_number(column: pa.ChunkedArray) -> Parsed:
    """Doubles. NaN counts as empty, infinity as unreadable."""
    if not is_number(column.type):
        text = pc.utf8_trim_whitespace(as_text(column))
        column, unreadable = _kept(text, _true(pc.match_substring_regex(text, _NUMBER)))
    else:
        unreadable = np.zeros(len(column), bool)
    numbers = _without_nan(column)
    finite, unlike = _kept(numbers, _true(pc.is_finite(numbers)))
    return Parsed(finite, unreadable | unlike)


def is_number(kind: pa.DataType) -> bool:
    """Whether a Parquet column holds numbers; truth values count as 0 and 1."""
    return any(is_a(kind) for is_a in (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean))


def parse_time(column: pa.ChunkedArray, reading: Reading) -> Parsed:
    """Times as UTC microseconds, between 1900 and 2199.

    A time that states no zone is of `reading.zone`; the span is added to its clock before that, so that a day more is
    the same hour of the next day. Where the clock is set back and a time comes twice, the first is meant; where it is
    set forward and a time does not exist, the first moment after the gap.
    """
    if is_time(column.type):
        unreadable = np.zeros(len(column), bool)
    else:
        text = pc.utf8_trim_whitespace(as_text(column))
        if reading.format:
            text, unreadable = _from_format(text, reading.format)
        else:
            text, unreadable = _iso_text(text)
        if pc.all(zoned := pc.match_substring_regex(text, _ZONED)).as_py() is not False:
            column = text.cast(TIME)
        elif not pc.any(zoned).as_py():
            column = text.cast(_CLOCK)
        else:
            return _of_both(text, zoned, unreadable, reading)
    times, outside = _placed(column, reading)
    return Parsed(times, unreadable | outside)


def is_time(kind: pa.DataType) -> bool:
    """Whether a Parquet column holds dates or times of a date."""
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def _of_both(
    text: pa.ChunkedArray, zoned: pa.ChunkedArray, unreadable: NDArray[np.bool_], reading: Reading
) -> Parsed:
    """Times of which some state a zone and some do not."""
    nothing = pa.scalar(None, pa.string())
    stated = _placed(pc.if_else(zoned, text, nothing).cast(TIME), reading)
    local = _placed(pc.if_else(zoned, nothing, text).cast(_CLOCK), reading)
    return Parsed(pc.coalesce(stated.values, local.values), unreadable | stated.unreadable | local.unreadable)


def _placed(column: pa.ChunkedArray, reading: Reading) -> Parsed:
    """Typed dates and times in UTC, shifted; those outside the years we take are unreadable."""
    zone = column.type.tz if pa.types.is_timestamp(column.type) else None
    clock = column.cast(pa.timestamp("us", tz=zone) if zone else _CLOCK, safe=False)
    shifted, outside = _within_years(clock)
    if reading.shift:
        shifted, later = _within_years(pc.add(shifted, pa.scalar(reading.shift, pa.duration("us"))))
        outside = outside | later
    if not zone:
        shifted = pc.assume_timezone(shifted, reading.zone, ambiguous="earliest", nonexistent="latest")
    return Parsed(shifted.cast(TIME), outside)


def _within_years(times: pa.ChunkedArray) -> Parsed:
    first, last = (pa.scalar(end, _CLOCK).cast(times.type) for end in (_EARLIEST, _LATEST))
    return _kept(times, _true(pc.and_(pc.greater_equal(times, first), pc.less(times, last))))


def _iso_text(text: pa.ChunkedArray) -> Parsed:
    """Times as text that Arrow is sure to read."""
    if pc.any(pc.match_substring_regex(text, r" (?:UTC|Z|[+-][\d:]+)$|UTC$")).as_py():  # as Rails writes them
        text = pc.replace_substring_regex(text, r"\s?(?:UTC|Z)$", "Z")
        text = pc.replace_substring_regex(text, r" ([+-][\d:]+)$", r"\1")
    readable = _true(pc.match_substring_regex(text, _ISO))
    readable &= _in_calendar(_kept(text, readable).values)
    if pc.any(pc.match_substring_regex(text, r"\.\d{7}")).as_py():
        text = pc.replace_substring_regex(text, r"(\.\d{6})\d+", r"\1")
    return _kept(text, readable)


def _in_calendar(text: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Whether the day is one of its month. Text is null or begins with the digits of a date; null is in it."""
    digits = pc.fill_null(text, "2000-01-01")
    year, month, day = (
        np.asarray(pc.utf8_slice_codeunits(digits, start, end).cast(pa.int64())) for start, end in ((0, 4), (5, 7), (8, 10))
    )
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    return day <= _DAYS_IN_MONTH[month] + ((month == 2) & leap)


def _from_format(text: pa.ChunkedArray, pattern: str) -> Parsed:
    """Python's own strptime, once a distinct value: Arrow's takes 31 February for a day in March."""
    words = pc.unique(text).drop_null()
    iso = pa.array([_as_iso(word, pattern) for word in words.to_pylist()], pa.string())
    times = pa.chunked_array([iso.take(_combined(pc.index_in(text, words)))])
    return Parsed(times, _true(pc.and_(pc.is_valid(text), pc.is_null(times))))


def _as_iso(word: str, pattern: str) -> str | None:
    try:
        return datetime.strptime(word, pattern).isoformat()
    except ValueError:
        return None


def _kept(values: pa.ChunkedArray, readable: NDArray[np.bool_]) -> Parsed:
    """Values with null where they are not readable."""
    unreadable = _true(pc.is_valid(values)) & ~readable
    if unreadable.any():
        values = pc.if_else(pa.chunked_array([unreadable]), pa.scalar(None, values.type), values)
    return Parsed(values, unreadable)


def _true(truth: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Where a column of truth values is true; null is not."""
    return np.array(pc.fill_null(truth, False), bool)


def _combined(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()
