"""Fills of a kind: values of fields without a column, or where the column is empty."""

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

import pyarrow as pa

from domain.schema import KINDS, Field, FieldType
from domain.wording import did_you_mean
from importing.files.sources import Opened
from importing.format.dataset_file import DEFAULT_FILLS, DatasetProblem, KindSpec, field_of
from importing.format.expressions import Constant, CountedShift, Fill, Name, counted_shift, shifted_name
from importing.rows.columns import parse_field
from importing.rows.near_columns import no_column
from importing.rows.times import Reading


def fills_of(
    kind: str, spec: KindSpec, opened: Opened, present: set[str], zone: str
) -> tuple[dict[str, Fill], list[DatasetProblem]]:
    """Fills of a kind in dependency order, and errors. `present` are the fields that are read without a fill."""
    fills: dict[str, Fill] = {}
    problems = []
    for name, text in (dict(DEFAULT_FILLS[kind]) | spec.fill).items():
        try:
            fills[name] = _fill(kind, name, text, zone, opened)
        except ValueError as error:
            problems.append(DatasetProblem((kind, "fill", name), str(error)))
    for name, fill in fills.items():
        if name in spec.fill and isinstance(fill, Name | CountedShift) and fill.name not in present | set(fills):
            problems.append(DatasetProblem((kind, "fill", name), f"`{fill.name}` has no column to fill `{name}` from"))
    try:
        return _in_order(fills), problems
    except CycleError as error:
        cycle = " → ".join(error.args[1])
        return fills, [*problems, DatasetProblem((kind, "fill", error.args[1][0]), f"circular fills: {cycle}")]


def _in_order(fills: Mapping[str, Fill]) -> dict[str, Fill]:
    """Fills in dependency order. Raises CycleError."""
    needs = {name: set() if isinstance(fill, Constant) else {fill.name} & set(fills) for name, fill in fills.items()}
    return {name: fills[name] for name in TopologicalSorter(needs).static_order()}


def _fill(kind: str, name: str, text: str, zone: str, opened: Opened) -> Fill:
    """Parse a fill. Raises ValueError if it does not fit the field."""
    field, source = KINDS[kind].field(name), shifted_name(text)
    counted = None if source.shift else counted_shift(text)
    other = field_of(kind, counted.name if counted else source.name)
    if other is None:
        return _constant(kind, field, text, zone)
    if other.type is not field.type or other.choices is not field.choices:
        raise ValueError(f"`{name}` is {_a(field)}, `{other.name}` is {_a(other)}")
    if (source.shift or counted) and field.type is not FieldType.TIME:
        raise ValueError(f"`{text}`: `{name}` is not a time, so no span can be added to it")
    if counted and counted.column not in opened.names:
        raise ValueError(no_column(counted.column, opened))
    return counted or source


def _constant(kind: str, field: Field, text: str, zone: str) -> Constant:
    if parse_field(field, pa.chunked_array([[text]]), Reading(zone)).unreadable.any():
        names = [*(f.name for f in KINDS[kind].fields if f.type is field.type), *(field.choices or ())]
        hint = did_you_mean(shifted_name(text).name, names)
        raise ValueError(f"`{text}` is neither a field of `{kind}` nor {_a(field)}{hint}")
    return Constant(text)


def _a(field: Field) -> str:
    return f"one of {', '.join(field.choices)}" if field.choices else f"a {field.type}"
