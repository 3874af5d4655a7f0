"""Columns of the file from which outcomes are read; as attributes they can only be late."""

from collections.abc import Iterator, Mapping
from contextlib import suppress

from domain.schema import Field
from domain.vocabulary import SessionStatus
from importing.format.expressions import column_source, condition, counted_shift, shifted_name


def is_outcome(field: Field) -> bool:
    """Returns True for an outcome of a session, or of a tutor's stay."""
    return field.late or field.choices is SessionStatus


def columns_behind(column: str | None, conditions: Mapping[str, str], fill: str) -> Iterator[str]:
    """Columns that a field is read from: its own or its parts, those of its conditions, and that of its fill."""
    with suppress(ValueError):  # an expression that cannot be read is reported where the file is planned
        if column is not None:
            yield from (column, shifted_name(column).name, *column_source(column, ()).columns)
    for text in conditions.values():
        with suppress(ValueError):
            yield from condition(text).names
    if counted := counted_shift(fill):
        yield counted.column
