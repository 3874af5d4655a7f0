"""Checks of one kind's rows against the filters and the rules of `domain.schema`."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.rules import ATTRIBUTE_TEXT, OUTCOME_TOO_EARLY
from domain.schema import Field
from domain.vocabulary import SessionStatus
from features.base.dataset import ATTRIBUTE_PREFIX, Attribute, arrow_schema
from importing.files.parsing import is_true
from importing.files.sources import Source
from importing.format.dataset_file import DatasetProblem
from importing.format.description import Description
from importing.rows.columns import Column
from importing.rows.conditions import FilterRows, apply
from importing.rows.duplicates import GROUP_HINT, Repeats, first_difference, repeats
from importing.rows.misread import spreadsheet_errors
from importing.rows.plan import ReadPlan
from importing.rows.rejects import Mask, RejectCounts, Verdicts
from importing.rows.rounded_ids import RoundedIds, rounded_ids
from importing.rows.rows import read_columns, refuse_misread_columns, refuse_unfit_columns
from importing.rows.rules import broken, broken_text, too_early

_TOO_EARLY = f"{OUTCOME_TOO_EARLY}; fill it, as in outcome_known_at: starts_at + 1d"


@dataclass(frozen=True)
class KeysByVerdict:
    """Keys of a kind's good, filtered and rejected rows."""

    good: pa.ChunkedArray
    filtered: pa.ChunkedArray
    rejected: pa.ChunkedArray


@dataclass(frozen=True)
class Checked:
    """Checked rows of one kind: good rows in the schema of a Dataset, rejects, and keys that others may refer to."""

    table: pa.Table
    rejects: pa.Table
    counts: RejectCounts
    keys: KeysByVerdict
    rounded: tuple[RoundedIds, ...] = ()


def check_kind(description: Description, plan: ReadPlan, known: Mapping[str, KeysByVerdict]) -> Checked:
    """Read and check one kind. `known` holds the keys of the earlier kinds that have a file.

    Raises InvalidDataset if a whole column cannot be used.
    """
    source = plan.opened.read(plan.columns)
    refuse_unfit_columns(description, plan, source)
    return _Check(description, plan, source).run(known)


class _Check:
    def __init__(self, description: Description, plan: ReadPlan, source: Source) -> None:
        self._description, self._plan, self._source = description, plan, source
        self._columns = read_columns(description, plan, source)
        refuse_misread_columns(description, plan, self._columns)
        self._verdicts = Verdicts(source)

    def run(self, known: Mapping[str, KeysByVerdict]) -> Checked:
        """Apply all rules; a row is rejected for the first rule that it breaks."""
        fields = self._plan.kind.fields
        self._filter()
        for field in fields:
            self._check_values(field)
        for name in self._plan.attributes:
            self._check_attribute(self._columns[ATTRIBUTE_PREFIX + name])
        self._check_order()
        self._check_outcome_known()
        for field in fields:
            if field.refers_to and field.refers_to in known and field.name in self._columns:
                self._check_reference(field, known[field.refers_to])
        table = self._table()
        self._check_duplicates(table)
        good = pa.array(self._verdicts.good)
        return Checked(
            table.filter(good), self._verdicts.rejects, self._verdicts.counts(), self._keys(), self._rounded()
        )

    def _rounded(self) -> tuple[RoundedIds, ...]:
        return tuple(rounded_ids(self._plan, self._columns))

    def _filter(self) -> None:
        attributes = {name: self._columns[ATTRIBUTE_PREFIX + name] for name in self._plan.attributes}
        rows = FilterRows(attributes | self._columns, self._source.table, self._plan.zone, self._plan.opened.signs)
        for number, (text, condition) in enumerate(self._plan.conditions.items()):
            try:
                result = apply(condition, rows)
            except ValueError as error:
                where = (self._plan.kind.name, "filters", number)
                raise self._description.error(DatasetProblem(where, f"`{text}`: {error}")) from None
            self._verdicts.exclude(result.excluded)
            for column, (unreadable, raw, reason) in result.unreadable.items():
                self._verdicts.reject(unreadable, column, raw, reason)

    def _check_values(self, field: Field) -> None:
        if field.name not in self._columns:
            return
        column = self._columns[field.name]
        self._refuse_unreadable(column)
        if field.required:
            self._reject(_empty(column), column, "missing, but required")
        for rows, reason in broken(field, column.values):
            self._reject(rows, column, reason)

    def _refuse_unreadable(self, column: Column) -> None:
        self._reject(spreadsheet_errors(column), column, "a spreadsheet error; correct the cell, or map it in `values`")
        self._reject(column.unreadable, column, column.reason)

    def _check_attribute(self, column: Column) -> None:
        self._refuse_unreadable(column)
        if pa.types.is_string(column.values.type):
            for rows, reason in broken_text(ATTRIBUTE_TEXT, column.values):
                self._reject(rows, column, reason)

    def _check_order(self) -> None:
        for earlier, later in self._plan.kind.ordered:
            if earlier in self._columns and later in self._columns:
                column = self._columns[later]
                before = is_true(pc.less(column.values, self._columns[earlier].values))
                self._reject(before, column, f"{later} is before {earlier}")

    def _check_outcome_known(self) -> None:
        status = self._columns.get("status")
        if status is None:
            return
        over = is_true(pc.not_equal(status.values, SessionStatus.BOOKED.value))
        known = self._columns.get("outcome_known_at")
        reason = (
            "outcome_known_at is missing for a session that is over; fill it, as in outcome_known_at: starts_at + 1d"
        )
        self._verdicts.reject(
            over & _empty(known) if known else over, known.source if known else "outcome_known_at", None, reason
        )
        if known:
            self._reject(too_early(status.values, known.values, self._columns["starts_at"].values), known, _TOO_EARLY)

    def _check_reference(self, field: Field, known: KeysByVerdict) -> None:
        column = self._columns[field.name]
        absent = ~_empty(column) & ~is_true(pc.is_in(column.values, value_set=_values(known.good)))
        if not absent.any():
            return
        self._verdicts.exclude(absent & is_true(pc.is_in(column.values, value_set=_values(known.filtered))))
        rejected = absent & is_true(pc.is_in(column.values, value_set=_values(known.rejected)))
        self._reject(rejected, column, f"orphan: its row of {field.refers_to} was rejected")
        grouped = field.refers_to == "sessions" and self._description.spec.sessions.per
        hint = "; with `per: student` the id of a session is SESSION:STUDENT" if grouped else ""
        self._reject(absent & ~rejected, column, f"orphan: not in {field.refers_to}{hint}")

    def _check_duplicates(self, table: pa.Table) -> None:
        key, good = self._columns[self._plan.kind.key], np.flatnonzero(self._verdicts.good)
        repeated = repeats(key.values.filter(pa.array(self._verdicts.good)))
        if not repeated.rows.size:
            return
        repeated = Repeats(good[repeated.rows], good[repeated.first])
        first = dict(zip(repeated.rows, self._source.row_numbers(repeated.first), strict=True))
        other = {
            row: f"duplicate: row {first[row]} has the same {self._plan.kind.key} and a different {name}"
            + (GROUP_HINT if name == "student_id" and self._plan.kind.name == "sessions" else "")
            for row, name in zip(repeated.rows, first_difference(table, repeated), strict=True)
            if name is not None
        }
        self._verdicts.collapse(_mask(list(set(repeated.rows) - set(other)), table.num_rows))
        self._reject(_mask(list(other), table.num_rows), key, list(other.values()))

    def _reject(self, rows: Mask, column: Column, reason: str | list[str]) -> None:
        raw = column.values if column.raw is None else column.raw
        self._verdicts.reject(rows, column.source, raw, reason)

    def _table(self) -> pa.Table:
        """All rows, good or not, in the schema of a Dataset."""
        n = self._source.table.num_rows
        schema = arrow_schema(self._plan.kind.name, attributes_of(self._plan))
        columns = [self._columns.get(field.name) for field in schema]
        return pa.table(
            [c.values if c else pa.nulls(n, field.type) for c, field in zip(columns, schema, strict=True)],
            schema=schema,
        )

    def _keys(self) -> KeysByVerdict:
        values, verdicts = self._columns[self._plan.kind.key].values, self._verdicts
        masks = (verdicts.good, verdicts.filtered, verdicts.rejected)
        return KeysByVerdict(*(values.filter(pa.array(rows)) for rows in masks))


def attributes_of(plan: ReadPlan) -> tuple[Attribute, ...]:
    """Attributes of a kind, as named in a Dataset."""
    return tuple(
        Attribute(plan.kind.name, name, spec.type, spec.late, spec.known_when_asked)
        for name, spec in plan.attributes.items()
    )


def _empty(column: Column) -> Mask:
    return np.array(pc.is_null(column.values), bool) & ~column.unreadable


def _values(keys: pa.ChunkedArray) -> pa.Array:
    return keys.combine_chunks()


def _mask(rows: list[int], n: int) -> Mask:
    mask = np.zeros(n, bool)
    mask[rows] = True
    return mask
