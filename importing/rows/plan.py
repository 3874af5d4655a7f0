"""Plan for reading one file: the dataset file's requests, checked against the file's columns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

import pyarrow as pa

from domain.schema import KINDS, Field, FieldType, Kind
from domain.wording import did_you_mean, shown
from features.base.dataset import STUDENT
from importing.files.sources import Opened
from importing.format.dataset_file import DEFAULT_FILLS, DatasetProblem, KindSpec, field_of
from importing.format.declarations import AttributeDeclaration
from importing.format.description import Description
from importing.rows.columns import parse_field
from importing.rows.expressions import Condition, Constant, Name, Operand, condition, shifted_name
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
    sources: Mapping[str, Name]
    fills: Mapping[str, Operand]
    conditions: Mapping[str, Condition]

    def reading(self, field: str) -> Reading:
        """Time format, zone and shift for a field."""
        shift = self.sources[field].shift if field in self.sources else Name(field).shift
        return Reading(self.zone, self.spec.formats.get(field), shift, self.opened.signs)

    @property
    def columns(self) -> set[str]:
        """Columns of the file that the plan reads."""
        filtered = {name for c in self.conditions.values() for name in c.names if name in self.opened.names}
        return {source.name for source in self.sources.values()} | set(self.spec.attributes) | filtered

    @property
    def attributes(self) -> Mapping[str, AttributeDeclaration]:
        """Declared attributes by column."""
        return self.spec.attributes


def make_plan(description: Description, kind: str, opened: Opened) -> ReadPlan:
    """Plan the reading of a kind. Raises InvalidDataset with line, key and nearest column or field of each error."""
    spec = description.spec.kinds()[kind]
    sources, lacking = _sources(kind, spec, opened)
    fills, unfit = _fills(kind, spec, set(sources), description.spec.timezone)
    conditions, wrong = _conditions(kind, spec, opened, set(sources) | set(fills))
    filtered = {name for parsed in conditions.values() for name in parsed.names}
    near = unread_columns(kind, spec, opened.names, {source.name for source in sources.values()} | filtered)
    problems = [*lacking, *near, *_attribute_problems(kind, spec, opened), *unfit, *wrong]
    if "student_id" not in set(sources) | set(fills):
        problems += _without_students(kind, spec, opened)
    # Unsupplied fields are reported only if no earlier problem explains them.
    problems = problems or list(_unsupplied(kind, set(sources) | set(fills), opened))
    if problems:
        raise description.error(*problems)
    return ReadPlan(KINDS[kind], spec, description.spec.timezone, opened, sources, fills, conditions)


def _without_students(kind: str, spec: KindSpec, opened: Opened) -> Iterator[DatasetProblem]:
    """Errors for keys that need the students of the sessions, which the file does not name."""
    lacking = f"requires `student_id`: {no_column('student_id', opened)}"
    if spec.per:
        yield DatasetProblem((kind, "per"), f"`per: student` {lacking}")
    if STUDENT in (spec.history or ()):
        yield DatasetProblem((kind, "history"), f"the history of `student_id` {lacking}")


def _sources(kind: str, spec: KindSpec, opened: Opened) -> tuple[dict[str, Name], list[DatasetProblem]]:
    sources, problems = {}, []
    for field in KINDS[kind].fields:
        text = spec.columns.get(field.name, field.name if field.name in opened.names else None)
        if text is None:
            continue
        try:
            sources[field.name] = _source(field, text, opened)
        except ValueError as error:
            problems.append(DatasetProblem((kind, "columns", field.name), str(error)))
    return sources, problems


def _source(field: Field, text: str, opened: Opened) -> Name:
    source = Name(text) if text in opened.names else shifted_name(text)
    if source.name not in opened.names:
        raise ValueError(no_column(source.name, opened))
    if source.shift and field.type is not FieldType.TIME:
        raise ValueError(f"`{text}`: `{field.name}` is not a time, so no span can be added to it")
    return source


def _attribute_problems(kind: str, spec: KindSpec, opened: Opened) -> Iterator[DatasetProblem]:
    for name in spec.attributes:
        if name not in opened.names:
            yield DatasetProblem((kind, "attributes", name), no_column(name, opened))


def _fills(kind: str, spec: KindSpec, present: set[str], zone: str) -> tuple[dict[str, Operand], list[DatasetProblem]]:
    fills: dict[str, Operand] = {}
    problems = []
    for name, text in (dict(DEFAULT_FILLS[kind]) | spec.fill).items():
        try:
            fills[name] = _fill(kind, name, text, zone)
        except ValueError as error:
            problems.append(DatasetProblem((kind, "fill", name), str(error)))
    for name, fill in fills.items():
        if name in spec.fill and isinstance(fill, Name) and fill.name not in present | set(fills):
            problems.append(DatasetProblem((kind, "fill", name), f"`{fill.name}` has no column to fill `{name}` from"))
    try:
        return _in_order(fills), problems
    except CycleError as error:
        cycle = " → ".join(error.args[1])
        return fills, [*problems, DatasetProblem((kind, "fill", error.args[1][0]), f"circular fills: {cycle}")]


def _in_order(fills: Mapping[str, Operand]) -> dict[str, Operand]:
    """Fills in dependency order. Raises CycleError."""
    needs = {name: {fill.name} & set(fills) if isinstance(fill, Name) else set() for name, fill in fills.items()}
    return {name: fills[name] for name in TopologicalSorter(needs).static_order()}


def _fill(kind: str, name: str, text: str, zone: str) -> Operand:
    """Parse a fill. Raises ValueError if it does not fit the field."""
    field, source = KINDS[kind].field(name), shifted_name(text)
    other = field_of(kind, source.name)
    if other is None:
        return _constant(kind, field, text, zone)
    if other.type is not field.type or other.choices is not field.choices:
        raise ValueError(f"`{name}` is {_a(field)}, `{other.name}` is {_a(other)}")
    if source.shift and field.type is not FieldType.TIME:
        raise ValueError(f"`{text}`: `{name}` is not a time, so no span can be added to it")
    return source


def _constant(kind: str, field: Field, text: str, zone: str) -> Constant:
    if parse_field(field, pa.chunked_array([[text]]), Reading(zone)).unreadable.any():
        names = [*(f.name for f in KINDS[kind].fields if f.type is field.type), *(field.choices or ())]
        hint = did_you_mean(shifted_name(text).name, names)
        raise ValueError(f"`{text}` is neither a field of `{kind}` nor {_a(field)}{hint}")
    return Constant(text)


def _a(field: Field) -> str:
    return f"one of {', '.join(field.choices)}" if field.choices else f"a {field.type}"


def _conditions(
    kind: str, spec: KindSpec, opened: Opened, fields: set[str]
) -> tuple[dict[str, Condition], list[DatasetProblem]]:
    conditions, problems = {}, []
    for number, text in enumerate(spec.filters):
        try:
            conditions[text] = _condition(text, [*fields, *opened.names])
        except ValueError as error:
            problems.append(DatasetProblem((kind, "filters", number), str(error)))
    return conditions, problems


def _condition(text: str, known: list[str]) -> Condition:
    parsed = condition(text)
    for name in parsed.names:
        if name not in known:
            hint = did_you_mean(name, known) or "; write text in quotes, as in 'cancelled'"
            raise ValueError(f"`{text}`: `{name}` is neither a field nor a column{hint}")
    return parsed


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
