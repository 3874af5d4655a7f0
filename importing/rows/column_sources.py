"""Columns of the file that a field is read from, alone or joined."""

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from domain.schema import KINDS, Field, FieldType
from importing.files.parsing import as_text
from importing.files.sources import Opened
from importing.format.dataset_file import DatasetProblem, KindSpec
from importing.format.expressions import ColumnSource, column_source
from importing.format.time_formats import NAMED
from importing.rows.near_columns import no_column


def column_sources(kind: str, spec: KindSpec, opened: Opened) -> tuple[dict[str, ColumnSource], list[DatasetProblem]]:
    """Columns of each field of a kind that the file supplies, and errors."""
    sources, problems = {}, []
    for field in KINDS[kind].fields:
        text = spec.columns.get(field.name, field.name if field.name in opened.names else None)
        if text is None:
            continue
        try:
            sources[field.name] = _source(field, text, spec.formats.get(field.name), opened)
        except ValueError as error:
            problems.append(DatasetProblem((kind, "columns", field.name), str(error)))
    return sources, problems


def _source(field: Field, text: str, time_format: str | None, opened: Opened) -> ColumnSource:
    source = column_source(text, opened.names)
    for name in source.columns:
        if name not in opened.names:
            raise ValueError(no_column(name, opened))
    if source.shift and field.type is not FieldType.TIME:
        raise ValueError(f"`{text}`: `{field.name}` is not a time, so no span can be added to it")
    if len(source.columns) > 1:
        _check_joined(field, text, time_format)
    return source


def _check_joined(field: Field, text: str, time_format: str | None) -> None:
    """Raise ValueError for a field that cannot be joined from columns."""
    if field.type is FieldType.NUMBER:
        raise ValueError(f"`{text}`: `{field.name}` is a number, so it cannot be joined from columns")
    if field.type is FieldType.TIME and (time_format is None or time_format in NAMED):
        example = '"%Y %m %d %H"'
        raise ValueError(
            f"`{text}`: a time joined from columns needs the format of the values with a space between them: "
            f"add formats: {{{field.name}: {example}}}"
        )


def raw_values(source: ColumnSource, table: pa.Table, field: Field) -> pa.ChunkedArray:
    """Values as in the file; joined ones as text, empty where any part is.

    The parts are joined by a colon, those of a time by a space.
    """
    if len(source.columns) == 1:
        return table[source.columns[0]]
    parts = (pc.utf8_trim_whitespace(as_text(table[name])) for name in source.columns)
    return pc.binary_join_element_wise(*parts, " " if field.type is FieldType.TIME else ":")


def columns_read(sources: Iterable[ColumnSource]) -> set[str]:
    """Names of all columns of some sources."""
    return {name for source in sources for name in source.columns}
