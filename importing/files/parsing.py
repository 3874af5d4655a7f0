"""Parsing of whole columns as text, choices and numbers, with masks of unreadable rows."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_EXACT = float(2**53)
"""Largest magnitude up to which a double represents every whole number."""

_NUMBER = r"^-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"


class Signs(NamedTuple):
    """Number signs in text: the decimal sign, and the accepted signs between thousands."""

    decimal: str = "."
    thousands: str = ""


PLAIN = Signs()
"""1234.5"""


class Parsed(NamedTuple):
    """Values of a column, null where empty, and a mask of rows whose value is unreadable."""

    values: pa.ChunkedArray
    unreadable: NDArray[np.bool_]


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Convert any column to text. Whole numbers in doubles lose their `.0`; blank text becomes null."""
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
    return pc.if_else(pc.is_nan(column), pa.scalar(None, pa.float64()), column)  # pandas writes NaN for an empty value


def mapped(text: pa.ChunkedArray, meanings: Mapping[str, str | None]) -> pa.ChunkedArray:
    """Replace values of the file by their declared meanings; values without one are kept."""
    written = pa.array(list(meanings), pa.string())
    place = pc.index_in(pc.fill_null(text, ""), written)
    meant = pa.array(list(meanings.values()), pa.string()).take(combined(place))
    return pc.if_else(pc.is_valid(place), pa.chunked_array([meant]), text)


def parse_text(column: pa.ChunkedArray) -> Parsed:
    """Text unchanged; text with a NUL character, which databases reject, is unreadable."""
    text = as_text(column)
    return Parsed(text, is_true(pc.match_substring(text, "\0")))


def parse_choice(column: pa.ChunkedArray, choices: Collection[str]) -> Parsed:
    """Text restricted to the choices; other text is unreadable."""
    text = pc.utf8_trim_whitespace(as_text(column))
    return kept(text, _known(text, pa.array(list(choices), pa.string())))


def _known(text: pa.ChunkedArray, choices: pa.Array) -> NDArray[np.bool_]:
    return is_true(pc.is_in(text, value_set=choices))


def parse_number(column: pa.ChunkedArray, signs: Signs = PLAIN) -> Parsed:
    """Doubles. NaN counts as empty; infinity, and whole numbers that a double cannot represent, as unreadable."""
    if is_number(column.type):
        column, unreadable = _exact(column)
    else:
        text = _plain_number(pc.utf8_trim_whitespace(as_text(column)), signs)
        column, unreadable = kept(text, is_true(pc.match_substring_regex(text, _NUMBER)))
    numbers = _without_nan(column)
    finite, unlike = kept(numbers, is_true(pc.is_finite(numbers)))
    return Parsed(finite, unreadable | unlike)


def _exact(column: pa.ChunkedArray) -> Parsed:
    """Numbers; whole numbers beyond 2^53, which a double would round, are unreadable."""
    if pa.types.is_floating(column.type) or pa.types.is_boolean(column.type):
        return Parsed(column, np.zeros(len(column), bool))
    limit = pa.scalar(int(_EXACT), column.type) if _holds(column.type, int(_EXACT)) else None
    if limit is None:
        return Parsed(column, np.zeros(len(column), bool))
    below = pc.less_equal(column, limit)
    if not pa.types.is_unsigned_integer(column.type):
        below = pc.and_(below, pc.greater_equal(column, pa.scalar(-int(_EXACT), column.type)))
    return kept(column, is_true(below))


def _holds(kind: pa.DataType, number: int) -> bool:
    try:
        pa.scalar(number, kind)
    except (pa.ArrowInvalid, OverflowError):
        return False
    return True


def _plain_number(text: pa.ChunkedArray, signs: Signs) -> pa.ChunkedArray:
    """Rewrite numbers with other signs in the form 1234.5. Numbers grouped in any other way stay unreadable."""
    if signs == PLAIN:
        return text
    group, point = f"[{signs.thousands}]" if signs.thousands else "", f"[{signs.decimal}]"
    form = rf"^-?(?:\d+|\d{{1,3}}(?:{group}\d{{3}})+)?(?:{point}\d*)?(?:[eE][+-]?\d+)?$"
    text = pc.if_else(pc.match_substring_regex(text, form), text, pc.binary_join_element_wise("?", text, ""))
    text = pc.replace_substring_regex(text, group, "") if group else text
    return pc.replace_substring(text, signs.decimal, ".")


def is_number(kind: pa.DataType) -> bool:
    """Whether a column type is numeric; booleans count as 0 and 1."""
    return any(
        is_a(kind) for is_a in (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean)
    )


def kept(values: pa.ChunkedArray, readable: NDArray[np.bool_]) -> Parsed:
    """Values with null in unreadable rows."""
    unreadable = is_true(pc.is_valid(values)) & ~readable
    if unreadable.any():
        values = pc.if_else(pa.chunked_array([unreadable]), pa.scalar(None, values.type), values)
    return Parsed(values, unreadable)


def is_true(truth: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Mask of a boolean column; null counts as false."""
    return np.array(pc.fill_null(truth, False), bool)


def combined(column: pa.ChunkedArray) -> pa.Array:
    """A column as a single chunk, as `take` requires of indices."""
    return column.combine_chunks()
