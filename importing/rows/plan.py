"""Plan for reading one file: the dataset file's requests, checked against the file's columns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from domain.schema import KINDS, Kind
from domain.wording import did_you_mean, shown
from features.base.dataset import STUDENT
from importing.files.sources import Opened
from importing.format.dataset_file import DatasetProblem, KindSpec
from importing.format.declarations import AttributeDeclaration
from importing.format.description import Description
from importing.format.expressions import ColumnSource, Condition, CountedShift, Fill
from importing.rows.choices import Choice, choices_of
from importing.rows.column_sources import column_sources, columns_read
from importing.rows.fills import fills_of
from importing.rows.named_conditions import filters_of
from importing.rows.near_columns import no_column, unread_columns
from importing.rows.times import Reading

_LISTED = 10


@dataclass(frozen=True)
class ReadPlan:
    """Plan for reading one kind: columns of its fields, fills in dependency order, conditions."""

    kind: Kind
    spec: KindSpec
    zone: str
    opened: Opened
    sources: Mapping[str, ColumnSource]
    choices: Mapping[str, list[Choice]]
    fills: Mapping[str, Fill]
    conditions: Mapping[str, Condition]

    def reading(self, field: str) -> Reading:
        """Time format, zone and shift for a field."""
        shift = self.sources[field].shift if field in self.sources else timedelta(0)
        return Reading(self.zone, self.spec.formats.get(field), shift, self.opened.signs)

    @property
    def columns(self) -> set[str]:
        """Columns of the file that the plan reads."""
        conditions = [*self.conditions.values(), *(c.condition for many in self.choices.values() for c in many)]
        compared = {name for condition in conditions for name in condition.names if name in self.opened.names}
        counts = {fill.column for fill in self.fills.values() if isinstance(fill, CountedShift)}
        return columns_read(self.sources.values()) | set(self.spec.attributes) | compared | counts

    @property
    def attributes(self) -> Mapping[str, AttributeDeclaration]:
        """Declared attributes by column."""
        return self.spec.attributes


def make_plan(description: Description, kind: str, opened: Opened) -> ReadPlan:
    """Plan the reading of a kind. Raises InvalidDataset with line, key and nearest column or field of each error."""
    spec = description.spec.kinds()[kind]
    sources, lacking = column_sources(kind, spec, opened)
    choices, undecided = choices_of(kind, spec, opened, set(sources))
    fills, unfit = fills_of(kind, spec, opened, {*sources, *choices}, description.spec.timezone)
    supplied = {*sources, *choices, *fills}
    conditions, wrong = filters_of(kind, spec, opened, supplied)
    plan = ReadPlan(KINDS[kind], spec, description.spec.timezone, opened, sources, choices, fills, conditions)
    near = unread_columns(kind, spec, opened.names, plan.columns)
    problems = [*lacking, *near, *_attribute_problems(kind, spec, opened), *undecided, *unfit, *wrong]
    if "student_id" not in supplied:
        problems += _without_students(kind, spec, opened)
    # Unsupplied fields are reported only if no earlier problem explains them.
    problems = problems or list(_unsupplied(kind, supplied, opened))
    if problems:
        raise description.error(*problems)
    return plan


def _without_students(kind: str, spec: KindSpec, opened: Opened) -> Iterator[DatasetProblem]:
    """Errors for keys that need the students of the sessions, which the file does not name."""
    lacking = f"requires `student_id`: {no_column('student_id', opened)}"
    if spec.per:
        yield DatasetProblem((kind, "per"), f"`per: student` {lacking}")
    if STUDENT in (spec.history or ()):
        yield DatasetProblem((kind, "history"), f"the history of `student_id` {lacking}")


def _attribute_problems(kind: str, spec: KindSpec, opened: Opened) -> Iterator[DatasetProblem]:
    for name in spec.attributes:
        if name not in opened.names:
            yield DatasetProblem((kind, "attributes", name), no_column(name, opened))


def _unsupplied(kind: str, supplied: set[str], opened: Opened) -> Iterator[DatasetProblem]:
    missing = [field for field in KINDS[kind].fields if field.required and field.name not in supplied]
    if len(missing) > 1 and not any(did_you_mean(field.name, opened.names, cutoff=0.6) for field in missing):
        fields = ", ".join(f"`{field.name}`" for field in missing)
        columns = ", ".join(shown(name, 30) for name in opened.names[:_LISTED])
        message = f"no column for {fields}: {opened.label} has the columns {columns}. Map them under `columns`."
        yield DatasetProblem((kind,), message)
        return
    for field in missing:
        message = f"no column for `{field.name}`: {no_column(field.name, opened)}"
        yield DatasetProblem((kind,), f"{message} Map it under `columns`, or set a value under `fill`.")
