"""One field or attribute of all rows: raw values, parsed values, unreadable rows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.schema import Field, FieldType
from domain.time_zones import is_time_zone
from importing.files.parsing import Parsed, Signs, as_text, is_true, mapped, parse_choice, parse_number, parse_text
from importing.format.time_formats import NAMED
from importing.rows.rejects import Mask
from importing.rows.times import Reading, parse_time


@dataclass(frozen=True)
class Column:
    """A field or attribute of all rows of a file.

    `source` is the file's column, or the field's name if it was filled; `raw` holds the values in the file; `reason`
    explains why the `unreadable` rows cannot be read.
    """

    source: str
    raw: pa.ChunkedArray | None
    values: pa.ChunkedArray
    unreadable: Mask
    reason: str


def read_field(
    field: Field, source: str, raw: pa.ChunkedArray, meanings: Mapping[str, str | None], reading: Reading
) -> Column:
    """Parse a column of the file as a field."""
    meant = mapped(as_text(raw), meanings) if meanings else raw
    parsed = parse_field(field, meant, reading)
    return Column(source, raw, parsed.values, parsed.unreadable, _reason(field, reading, meant.type))


def read_attribute(
    source: str, raw: pa.ChunkedArray, meanings: Mapping[str, str | None], numeric: bool, signs: Signs
) -> Column:
    """Parse a column of the file as an attribute."""
    meant = mapped(as_text(raw), meanings) if meanings else raw
    parsed = parse_number(meant, signs) if numeric else parse_text(meant)
    return Column(source, raw, parsed.values, parsed.unreadable, _not_a_number(meant.type) if numeric else _NUL)


def parse_field(field: Field, column: pa.ChunkedArray, reading: Reading) -> Parsed:
    """Parse a column as the field's type."""
    if field.choices is not None:
        return parse_choice(column, list(field.choices))
    if field.type is FieldType.TIME:
        return parse_time(column, reading)
    if field.type is FieldType.NUMBER:
        return parse_number(column, reading.signs)
    return _parse_zone(column) if is_zone(field) else parse_text(column)


def is_zone(field: Field) -> bool:
    """Whether a field holds a time zone's name."""
    return field.name == "timezone"


def _parse_zone(column: pa.ChunkedArray) -> Parsed:
    parsed = parse_text(column)
    unknown = [name for name in pc.unique(parsed.values).drop_null().to_pylist() if not is_time_zone(name)]
    return Parsed(parsed.values, is_true(pc.is_in(parsed.values, value_set=pa.array(unknown, pa.string()))))


_NOT_A_NUMBER = "not a number"
_BEYOND = "beyond 2^53, where numbers lose digits; make it text or remove the column"
_NUL = "contains a NUL character, which cannot be stored"


def _reason(field: Field, reading: Reading, kind: pa.DataType) -> str:
    if field.choices is not None:
        return f"unknown {field.name}: not one of {', '.join(field.choices)}"
    if field.type is FieldType.TIME:
        form = "such as 2026-03-01T09:30:00Z"
        if reading.format:
            form = f"in the format {reading.format}" + (f" ({known})" if (known := NAMED.get(reading.format)) else "")
        return f"not a time {form}, between the years 1900 and 2199"
    if field.type is FieldType.NUMBER:
        return _not_a_number(kind)
    return "unknown time zone" if is_zone(field) else _NUL


def _not_a_number(kind: pa.DataType) -> str:
    return _BEYOND if pa.types.is_integer(kind) or pa.types.is_decimal(kind) else _NOT_A_NUMBER


def filled(name: str, column: Column | None, values: pa.ChunkedArray) -> Column:
    """Fill the empty values of a column with `values`; `column` is None if the file has no such column."""
    if column is None:
        return Column(name, None, values, np.zeros(len(values), bool), "")
    # An unreadable value is not an empty one: its row is rejected, not filled.
    return Column(column.source, column.raw, pc.coalesce(column.values, values), column.unreadable, column.reason)
