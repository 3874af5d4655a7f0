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
from importing.rows.arrow_types import fits, refused_type
from importing.rows.columns import Column, filled, parse_field, read_attribute, read_field
from importing.rows.expressions import Constant, Name
from importing.rows.misread import counted_hint, misread
from importing.rows.plan import ReadPlan
from importing.rows.times import Reading


def read_columns(plan: ReadPlan, source: Source) -> dict[str, Column]:
    """All fields supplied by the file or a fill, by name, and all attributes as `attributes.NAME`."""
    columns: dict[str, Column] = {}
    for name, column in plan.sources.items():
        field, meanings = plan.kind.field(name), plan.spec.values.get(name, {})
        columns[name] = read_field(field, column.name, source.table[column.name], meanings, plan.reading(name))
    for name in plan.fills:
        _fill(name, plan, columns, source.table.num_rows)
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
    for name, column in plan.sources.items():
        field, kind = plan.kind.field(name), source.table.schema.field(column.name).type
        if why := refused_type(kind):
            problems.append(
                DatasetProblem((plan.kind.name, "columns", name), f"the column `{shown(column.name)}` {why}")
            )
        elif not fits(field, kind, name in plan.spec.formats or name in plan.spec.values):
            message = f"`{name}` is a {field.type}, but the column `{shown(column.name)}` has type {kind}"
            message += counted_hint(name, source.table[column.name]) if field.type is FieldType.TIME else ""
            problems.append(DatasetProblem((plan.kind.name, "columns", name), message))
    for name in plan.columns - {column.name for column in plan.sources.values()}:
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
        if message := misread(column, key, plan):
            problems.append(DatasetProblem((plan.kind.name, section, key), message))
    if problems:
        raise description.error(*problems)


def _fill(name: str, plan: ReadPlan, columns: dict[str, Column], n: int) -> None:
    present, fill = columns.get(name), plan.fills[name]
    if (present and not present.values.null_count) or (isinstance(fill, Name) and fill.name not in columns):
        return
    values = _constant(name, fill, plan, n) if isinstance(fill, Constant) else _shifted(columns[fill.name], fill)
    columns[name] = filled(name, present, values)


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
