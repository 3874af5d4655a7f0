"""Columns of files as text and numbers: whole columns at once, and where they could not be read."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_EXACT = float(2**53)
"""Doubles hold every whole number up to here."""

_NUMBER = r"^-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"


class Parsed(NamedTuple):
    """Values of a column, null where the file has none, and a mask of rows whose value could not be read."""

    values: pa.ChunkedArray
    unreadable: NDArray[np.bool_]


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
    meant = pa.array(list(meanings.values()), pa.string()).take(combined(place))
    return pc.if_else(pc.is_valid(place), pa.chunked_array([meant]), text)


def parse_text(column: pa.ChunkedArray) -> Parsed:
    """Text as it is. A NUL character, which no database takes, is unreadable."""
    text = as_text(column)
    return Parsed(text, is_true(pc.match_substring(text, "\0")))


def parse_choice(column: pa.ChunkedArray, choices: Collection[str]) -> Parsed:
    """Text that must be one of the choices."""
    text = pc.utf8_trim_whitespace(as_text(column))
    return kept(text, _known(text, pa.array(list(choices), pa.string())))


def _known(text: pa.ChunkedArray, choices: pa.Array) -> NDArray[np.bool_]:
    return is_true(pc.is_in(text, value_set=choices))


def parse_number(column: pa.ChunkedArray) -> Parsed:
    """Doubles. NaN counts as empty, infinity as unreadable."""
    if not is_number(column.type):
        text = pc.utf8_trim_whitespace(as_text(column))
        column, unreadable = kept(text, is_true(pc.match_substring_regex(text, _NUMBER)))
    else:
        unreadable = np.zeros(len(column), bool)
    numbers = _without_nan(column)
    finite, unlike = kept(numbers, is_true(pc.is_finite(numbers)))
    return Parsed(finite, unreadable | unlike)


def is_number(kind: pa.DataType) -> bool:
    """Whether a Parquet column holds numbers; truth values count as 0 and 1."""
    return any(
        is_a(kind) for is_a in (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean)
    )


def kept(values: pa.ChunkedArray, readable: NDArray[np.bool_]) -> Parsed:
    """Values with null where they are not readable."""
    unreadable = is_true(pc.is_valid(values)) & ~readable
    if unreadable.any():
        values = pc.if_else(pa.chunked_array([unreadable]), pa.scalar(None, values.type), values)
    return Parsed(values, unreadable)


def is_true(truth: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Where a column of truth values is true; null is not."""
    return np.array(pc.fill_null(truth, False), bool)


def combined(column: pa.ChunkedArray) -> pa.Array:
    """A column in one piece, as indices to take must be."""
    return column.combine_chunks()
