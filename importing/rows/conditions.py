"""Evaluation of filters: rows that do not meet a condition, and rows with an unreadable value."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.schema import FieldType
from importing.files.parsing import PLAIN, Parsed, Signs, as_text, is_number, is_true, parse_number, parse_text
from importing.format.expressions import ComparisonCondition, Condition, Constant, EmptinessCondition, Name, Operand
from importing.rows.columns import Column
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


class FilterRows(NamedTuple):
    """Inputs of a condition: fields and attributes as read, other columns as in the file."""

    columns: Mapping[str, Column]
    table: pa.Table
    zone: str
    signs: Signs = PLAIN


class FilterResult(NamedTuple):
    """Rows that do not meet a condition, and by column the rows where it is undecidable."""

    excluded: Mask
    unreadable: Mapping[str, tuple[Mask, pa.ChunkedArray, str]]


def apply(condition: Condition, rows: FilterRows) -> FilterResult:
    """Evaluate a condition on all rows. A comparison with an empty value is not met.

    Raises ValueError if the operands cannot be compared.
    """
    if isinstance(condition, EmptinessCondition):
        return _apply_emptiness(condition, rows)
    return _apply_comparison(condition, rows)


def _apply_emptiness(condition: EmptinessCondition, rows: FilterRows) -> FilterResult:
    column = rows.columns.get(condition.name)
    values = column.values if column else as_text(rows.table[condition.name])
    empty = np.array(pc.is_null(values), bool)
    unreadable = column.unreadable if column else np.zeros(empty.size, bool)
    return FilterResult((empty != condition.empty) & ~unreadable, {})


def _apply_comparison(condition: ComparisonCondition, rows: FilterRows) -> FilterResult:
    kind = _common_type(condition, rows)
    left, right = (_parsed(side, kind, rows) for side in (condition.left, condition.right))
    met = is_true(_SIGNS[condition.sign](left.values, right.values))
    unknown = left.unreadable | right.unreadable
    sides = ((condition.left, left), (condition.right, right))
    faults = {
        side.name: (parsed.unreadable, rows.table[side.name], f"not {_NOUNS[kind]}, as a filter requires")
        for side, parsed in sides
        if isinstance(side, Name) and side.name not in rows.columns
    }
    return FilterResult(~met & ~unknown, faults)


def _common_type(condition: ComparisonCondition, rows: FilterRows) -> FieldType:
    kinds = {_type(side, rows) for side in (condition.left, condition.right)} - {None}
    if {FieldType.TIME, FieldType.NUMBER} <= kinds:
        raise ValueError("a time cannot be compared with a number")
    return next((kind for kind in (FieldType.TIME, FieldType.NUMBER) if kind in kinds), FieldType.TEXT)


def _type(operand: Operand, rows: FilterRows) -> FieldType | None:
    """Type of an operand; None for text, which may be converted to another type."""
    if isinstance(operand, Constant):
        return FieldType.TIME if operand.is_time else FieldType.NUMBER if operand.is_number else None
    if operand.shift:
        return FieldType.TIME
    column = rows.columns.get(operand.name)
    kind = column.values.type if column else rows.table[operand.name].type
    return FieldType.TIME if is_time(kind) else FieldType.NUMBER if is_number(kind) else None


def _parsed(operand: Operand, kind: FieldType, rows: FilterRows) -> Parsed:
    if isinstance(operand, Constant):
        return _constant(operand, kind, rows)
    column = rows.columns.get(operand.name)
    if column is None:
        return _parse(rows.table[operand.name], kind, Reading(rows.zone, shift=operand.shift, signs=rows.signs))
    if _type(Name(operand.name), rows) != (None if kind is FieldType.TEXT else kind):
        raise ValueError(f"`{operand.name}` is not {_NOUNS[kind]}")
    values = pc.add(column.values, pa.scalar(operand.shift, pa.duration("us"))) if operand.shift else column.values
    return Parsed(values, column.unreadable)


def _constant(constant: Constant, kind: FieldType, rows: FilterRows) -> Parsed:
    parsed = _parse(pa.chunked_array([[constant.text]]), kind, Reading(rows.zone))
    if parsed.unreadable.any():
        raise ValueError(f"`{constant.text}` is not {_NOUNS[kind]}")
    return Parsed(parsed.values[0], np.zeros(rows.table.num_rows, bool))


def _parse(column: pa.ChunkedArray, kind: FieldType, reading: Reading) -> Parsed:
    if kind is FieldType.TIME:
        return parse_time(column, reading)
    return parse_number(column, reading.signs) if kind is FieldType.NUMBER else parse_text(column)
