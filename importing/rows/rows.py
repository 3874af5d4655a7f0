"""The rows of one file as columns of a kind, read and filled."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.schema import FieldType
from domain.vocabulary import AttributeType, SessionStatus
from domain.wording import shown
from features.base.dataset import ATTRIBUTE_PREFIX
from importing.files.sources import Source
from importing.format.dataset_file import DatasetProblem
from importing.format.description import Description
from importing.format.expressions import Constant, CountedShift, Name
from importing.rows.arrow_types import fits, refused_type
from importing.rows.choices import WrongChoice, chosen
from importing.rows.column_sources import columns_read, raw_values
from importing.rows.columns import Column, filled, parse_field, read_attribute, read_field
from importing.rows.conditions import FilterRows
from importing.rows.counted_fills import counted_fill, filled_where_empty
from importing.rows.misread import counted_hint, misread
from importing.rows.plan import ReadPlan
from importing.rows.times import Reading


def read_columns(description: Description, plan: ReadPlan, source: Source) -> dict[str, Column]:
    """All fields supplied by the file, a choice or a fill, by name, and all attributes as `attributes.NAME`.

    Raises InvalidDataset for a choice whose condition cannot be evaluated.
    """
    columns: dict[str, Column] = {}
    for name, column in plan.sources.items():
        field, meanings = plan.kind.field(name), plan.spec.values.get(name, {})
        raw = raw_values(column, source.table, field)
        columns[name] = read_field(field, column.name, raw, meanings, plan.reading(name))
    columns |= _chosen(description, plan, columns, source)
    for name in plan.fills:
        _fill(name, plan, columns, source)
    for name, spec in plan.attributes.items():
        meanings, numeric = plan.spec.values.get(name, {}), spec.type is AttributeType.NUMERIC
        columns[ATTRIBUTE_PREFIX + name] = read_attribute(
            name, source.table[name], meanings, numeric, plan.opened.signs
        )
    if plan.spec.per:
        columns["session_id"] = _per_student(columns["session_id"], columns["student_id"])
    if "outcome_known_at" in columns and "status" in columns:
        columns["outcome_known_at"] = _once_over(columns["outcome_known_at"], columns["status"])
        if "booked_at" in columns:
            columns["outcome_known_at"] = _once_booked(columns["outcome_known_at"], columns["booked_at"])
    return columns


def refuse_unfit_columns(description: Description, plan: ReadPlan, source: Source) -> None:
    """Raise InvalidDataset for columns whose type is not supported, or does not fit the field."""
    problems = []
    for name, part in ((name, part) for name, column in plan.sources.items() for part in column.columns):
        field, kind = plan.kind.field(name), source.table.schema.field(part).type
        if why := refused_type(kind):
            problems.append(DatasetProblem((plan.kind.name, "columns", name), f"the column `{shown(part)}` {why}"))
        elif not fits(field, kind, name in plan.spec.formats or name in plan.spec.values):
            message = f"`{name}` is a {field.type}, but the column `{shown(part)}` has type {kind}"
            message += counted_hint(name, source.table[part]) if field.type is FieldType.TIME else ""
            problems.append(DatasetProblem((plan.kind.name, "columns", name), message))
    for name in plan.columns - columns_read(plan.sources.values()):
        if why := refused_type(source.table.schema.field(name).type):
            section = "attributes" if name in plan.attributes else "filters"
            problems.append(DatasetProblem((plan.kind.name, section, name), f"the column `{shown(name)}` {why}"))
    if problems:
        raise description.error(*problems)


def refuse_misread_columns(description: Description, plan: ReadPlan, columns: Mapping[str, Column]) -> None:
    """Raise InvalidDataset for columns where most values are in a different notation than declared."""
    problems = []
    for name, column in columns.items():
        section, key = ("attributes", column.source) if name.startswith(ATTRIBUTE_PREFIX) else ("columns", name)
        as_declared = section == "columns" and name not in plan.sources  # chosen or filled
        if not as_declared and (message := misread(column, key, plan)):
            problems.append(DatasetProblem((plan.kind.name, section, key), message))
    if problems:
        raise description.error(*problems)


def _chosen(
    description: Description, plan: ReadPlan, columns: Mapping[str, Column], source: Source
) -> dict[str, Column]:
    rows = FilterRows(columns, source.table, plan.zone, plan.opened.signs)
    try:
        return {name: chosen(name, choices, columns.get(name), rows) for name, choices in plan.choices.items()}
    except WrongChoice as error:
        where = (plan.kind.name, "when", error.field, error.value)
        raise description.error(DatasetProblem(where, str(error))) from None


def _fill(name: str, plan: ReadPlan, columns: dict[str, Column], source: Source) -> None:
    present, fill = columns.get(name), plan.fills[name]
    if present and not present.values.null_count:
        return
    if isinstance(fill, Constant):
        columns[name] = filled(name, present, _constant(name, fill, plan, source.table.num_rows))
    elif fill.name in columns:
        other = columns[fill.name]
        if isinstance(fill, CountedShift):
            counted = counted_fill(fill, other, source.table[fill.column], plan.opened.signs)
            columns[name] = filled_where_empty(present, counted)
        else:
            columns[name] = filled(name, present, _shifted(other, fill))


def _shifted(other: Column, fill: Name) -> pa.ChunkedArray:
    return pc.add(other.values, pa.scalar(fill.shift, pa.duration("us"))) if fill.shift else other.values


def _constant(name: str, constant: Constant, plan: ReadPlan, n: int) -> pa.ChunkedArray:
    parsed = parse_field(plan.kind.field(name), pa.chunked_array([[constant.text]]), Reading(plan.zone))
    return pa.chunked_array([pa.repeat(parsed.values[0], n)])


def _once_over(known: Column, status: Column) -> Column:
    """Clear `outcome_known_at` of sessions that are still booked, whatever a column or fill supplies."""
    booked = pc.fill_null(pc.equal(status.values, SessionStatus.BOOKED.value), False)
    values = pc.if_else(booked, pa.scalar(None, known.values.type), known.values)
    return Column(known.source, known.raw, values, known.unreadable & ~np.array(booked, bool), known.reason)


def _once_booked(known: Column, booked: Column) -> Column:
    """Move `outcome_known_at` to the booking at the earliest: a session entered later is known only from then on."""
    later = pc.fill_null(pc.less(known.values, booked.values), False)
    values = pc.if_else(later, booked.values, known.values)
    return Column(known.source, known.raw, values, known.unreadable, known.reason)


def _per_student(sessions: Column, students: Column) -> Column:
    """Id of one student's part of a group session, `SESSION:STUDENT`."""
    values = pc.binary_join_element_wise(sessions.values, students.values, ":")
    lacking = np.array(pc.and_(pc.is_valid(sessions.values), pc.is_null(students.values)), bool)
    reason = sessions.reason if sessions.unreadable.any() else "no student_id, required in every row by `per: student`"
    return Column(sessions.source, sessions.raw, values, sessions.unreadable | lacking, reason)
