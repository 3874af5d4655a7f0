"""Allow-list of Arrow types for columns, with the reason and remedy for other types."""

from collections.abc import Callable

import pyarrow as pa

from domain.schema import Field, FieldType
from importing.files.parsing import is_number
from importing.rows.times import is_time

_TEXT: tuple[Callable[[pa.DataType], bool], ...] = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
)
_ADVICE: tuple[tuple[Callable[[pa.DataType], bool], str], ...] = (
    (pa.types.is_null, "it has no values; remove it, or give it a type"),
    (pa.types.is_nested, "write its parts as columns of their own"),
    (pa.types.is_float16, "write float32 or float64"),
    (pa.types.is_decimal256, "write decimal128 or float64"),
    (pa.types.is_duration, "write a number of minutes"),
    (pa.types.is_time, "write timestamps, with the date"),
)
_OTHERWISE = "write it as text, a number or a timestamp"


def refused_type(kind: pa.DataType) -> str | None:
    """Error for a column type that cannot be read, with the remedy; None for a readable type."""
    if is_readable(kind):
        return None
    advice = next((remedy for is_a, remedy in _ADVICE if is_a(kind)), _OTHERWISE)
    return f"has type {kind}, which is not supported: {advice}"


def is_readable(kind: pa.DataType) -> bool:
    """Whether values of the type can be read without loss."""
    if pa.types.is_decimal256(kind) or pa.types.is_float16(kind):
        return False
    return any(is_a(kind) for is_a in (*_TEXT, is_number, is_time))


def fits(field: Field, kind: pa.DataType, has_format: bool) -> bool:
    """Whether a readable type fits the field: a number is a time only with a format, a time is never a number."""
    if field.type is FieldType.TIME:
        return not pa.types.is_boolean(kind) and (has_format or not is_number(kind))
    return field.type is not FieldType.NUMBER or not (pa.types.is_boolean(kind) or is_time(kind))
