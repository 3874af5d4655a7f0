"""Filters: which rows do not meet a condition, and which could not be asked because a value cannot be read."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.schema import FieldType
from importing.files.parsing import PLAIN, Parsed, Signs, as_text, is_number, is_true, parse_number, parse_text
from importing.rows.columns import Column
from importing.rows.expressions import Comparison, Condition, Constant, Emptiness, Name, Operand
from importing.rows.rejects import Mask
from importing.rows.times import Reading, is_time, parse_time

_SIGNS: Mapping[str, Callable[..., Any]] = {
    "=": pc.equal,
    "!=": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}
_NOUNS = {FieldType.TIME: "a time", FieldType.NUMBER: "a number", FieldType.TEXT: "text"}


class Rows(NamedTuple):
    """All that a condition may ask for: fields and attributes as read, other columns as they stand in the file."""

    columns: Mapping[str, Column]
    table: pa.Table
    zone: str
    signs: Signs = PLAIN


class Answer(NamedTuple):
    """Rows that do not meet a condition, and by column those of which it cannot be said."""

    left_out: Mask
    unreadable: Mapping[str, tuple[Mask, pa.ChunkedArray, str]]


def ask(condition: Condition, rows: Rows) -> Answer:
    """Put a condition to all rows. A comparison with an empty value is not met.

    Raises ValueError where it compares what cannot be compared.
    """
    if isinstance(condition, Emptiness):
        return _ask_emptiness(condition, rows)
    return _ask_comparison(condition, rows)


def _ask_emptiness(condition: Emptiness, rows: Rows) -> Answer:
    column = rows.columns.get(condition.name)
    values = column.values if column else as_text(rows.table[condition.name])
    empty = np.array(pc.is_null(values), bool)
    unreadable = column.unreadable if column else np.zeros(empty.size, bool)
    return Answer((empty != condition.empty) & ~unreadable, {})


def _ask_comparison(condition: Comparison, rows: Rows) -> Answer:
    kind = _common_type(condition, rows)
    left, right = (_parsed(side, kind, rows) for side in (condition.left, condition.right))
    met = is_true(_SIGNS[condition.sign](left.values, right.values))
    unknown = left.unreadable | right.unreadable
    sides = ((condition.left, left), (condition.right, right))
    faults = {
        side.name: (parsed.unreadable, rows.table[side.name], f"not {_NOUNS[kind]}, which a filter compares it with")
        for side, parsed in sides
        if isinstance(side, Name) and side.name not in rows.columns
    }
    return Answer(~met & ~unknown, faults)


def _common_type(condition: Comparison, rows: Rows) -> FieldType:
    kinds = {_type(side, rows) for side in (condition.left, condition.right)} - {None}
    if {FieldType.TIME, FieldType.NUMBER} <= kinds:
        raise ValueError("a time cannot be compared with a number")
    return next((kind for kind in (FieldType.TIME, FieldType.NUMBER) if kind in kinds), FieldType.TEXT)


def _type(operand: Operand, rows: Rows) -> FieldType | None:
    """What an operand is for certain; None for text, which may stand for something else."""
    if isinstance(operand, Constant):
        return FieldType.TIME if operand.is_time else FieldType.NUMBER if operand.is_number else None
    if operand.shift:
        return FieldType.TIME
    column = rows.columns.get(operand.name)
    kind = column.values.type if column else rows.table[operand.name].type
    return FieldType.TIME if is_time(kind) else FieldType.NUMBER if is_number(kind) else None


def _parsed(operand: Operand, kind: FieldType, rows: Rows) -> Parsed:
    if isinstance(operand, Constant):
        return _constant(operand, kind, rows)
    column = rows.columns.get(operand.name)
    if column is None:
        return _parse(rows.table[operand.name], kind, Reading(rows.zone, shift=operand.shift, signs=rows.signs))
    if _type(Name(operand.name), rows) != (None if kind is FieldType.TEXT else kind):
        raise ValueError(f"`{operand.name}` is not {_NOUNS[kind]}")
    values = pc.add(column.values, pa.scalar(operand.shift, pa.duration("us"))) if operand.shift else column.values
    return Parsed(values, column.unreadable)


def _constant(constant: Constant, kind: FieldType, rows: Rows) -> Parsed:
    parsed = _parse(pa.chunked_array([[constant.text]]), kind, Reading(rows.zone))
    if parsed.unreadable.any():
        raise ValueError(f"`{constant.text}` is not {_NOUNS[kind]}")
    return Parsed(parsed.values[0], np.zeros(rows.table.num_rows, bool))


def _parse(column: pa.ChunkedArray, kind: FieldType, reading: Reading) -> Parsed:
    if kind is FieldType.TIME:
        return parse_time(column, reading)
    return parse_number(column, reading.signs) if kind is FieldType.NUMBER else parse_text(column)
