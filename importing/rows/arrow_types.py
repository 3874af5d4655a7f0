"""Arrow types that a column may have: an allow-list, and why a type is not in it."""

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
    (pa.types.is_null, "it has no values; leave it out, or give it a type"),
    (pa.types.is_nested, "write its parts as columns of their own"),
    (pa.types.is_float16, "write float32 or float64"),
    (pa.types.is_decimal256, "write decimal128 or float64"),
    (pa.types.is_duration, "write a number of minutes"),
    (pa.types.is_time, "write timestamps, with the date"),
)
_OTHERWISE = "write it as text, a number or a timestamp"


def refused_type(kind: pa.DataType) -> str | None:
    """Why a column of that type cannot be read as anything, and what to write; None for a type that can."""
    if is_readable(kind):
        return None
    advice = next((what for is_a, what in _ADVICE if is_a(kind)), _OTHERWISE)
    return f"holds {kind}, which is not read: {advice}"


def is_readable(kind: pa.DataType) -> bool:
    """Whether values of that type can be read without loss."""
    if pa.types.is_decimal256(kind) or pa.types.is_float16(kind):
        return False
    return any(is_a(kind) for is_a in (*_TEXT, is_number, is_time))


def fits(field: Field, kind: pa.DataType, has_format: bool) -> bool:
    """Whether a readable type can be the field: a number is a time only if a format says how, a time no number."""
    if field.type is FieldType.TIME:
        return not pa.types.is_boolean(kind) and (has_format or not is_number(kind))
    return field.type is not FieldType.NUMBER or not (pa.types.is_boolean(kind) or is_time(kind))
