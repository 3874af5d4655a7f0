"""Values of a field chosen by conditions: the first condition that a row meets."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importing.files.sources import Opened
from importing.format.dataset_file import DatasetProblem, KindSpec
from importing.format.expressions import Condition
from importing.rows.columns import Column
from importing.rows.conditions import FilterRows, apply
from importing.rows.named_conditions import named_condition
from importing.rows.rejects import Mask


class Choice(NamedTuple):
    """A value, and the condition under which a field has it."""

    value: str
    condition: Condition


def choices_of(
    kind: str, spec: KindSpec, opened: Opened, fields: set[str]
) -> tuple[dict[str, list[Choice]], list[DatasetProblem]]:
    """Choices of each field under `when`, in the order of the dataset file, and errors."""
    choices: dict[str, list[Choice]] = {}
    problems = []
    for name, conditions in spec.when.items():
        for value, text in conditions.items():
            try:
                choices.setdefault(name, []).append(Choice(value, named_condition(text, [*fields, *opened.names])))
            except ValueError as error:
                problems.append(DatasetProblem((kind, "when", name, value), str(error)))
    return choices, problems


def chosen(name: str, choices: list[Choice], column: Column | None, rows: FilterRows) -> Column:
    """A field by its conditions; a row that meets none keeps the value of `column`, the field\'s own, if any.

    Raises WrongChoice if the operands of a condition cannot be compared.
    """
    n = rows.table.num_rows
    values, undecided = pa.nulls(n, pa.string()), np.zeros(n, bool)
    for value, condition in choices:
        try:
            met, unknown = _met(condition, rows)
        except ValueError as error:
            raise WrongChoice(name, value, str(error)) from None
        undecided |= unknown & np.array(pc.is_null(values), bool)
        values = pc.coalesce(values, pc.if_else(pa.array(met & ~undecided), value, None))
    if column is None:
        return Column(name, None, pa.chunked_array([values]), undecided, _UNDECIDED)
    own = np.array(pc.is_null(values), bool)
    values = pc.coalesce(pa.chunked_array([values]), column.values)
    unreadable = (column.unreadable & own) | undecided
    return Column(column.source, column.raw, values, unreadable, _UNDECIDED if undecided.any() else column.reason)


_UNDECIDED = "a condition under `when` compares a value that cannot be read"


class WrongChoice(ValueError):
    """A condition that cannot be evaluated, with the field and the value that it decides on."""

    def __init__(self, field: str, value: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.value = field, value


def _met(condition: Condition, rows: FilterRows) -> tuple[Mask, Mask]:
    """Rows that meet a condition, and rows where a value cannot be read."""
    result = apply(condition, rows)
    unknown = np.zeros(rows.table.num_rows, bool)
    for unreadable, *_ in result.unreadable.values():
        unknown |= unreadable
    for name in condition.names:
        if name in rows.columns:
            unknown |= rows.columns[name].unreadable
    return ~result.excluded & ~unknown, unknown
