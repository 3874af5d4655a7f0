"""What a dataset file asks of one file, held against the columns that the file has."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

import pyarrow as pa

from domain.schema import KINDS, Field, FieldType, Kind
from domain.wording import did_you_mean, shown
from importing.files.sources import Opened
from importing.format.dataset_file import DEFAULT_FILLS, AttributeSpec, KindSpec, Problem, field_of
from importing.format.description import Description
from importing.rows.columns import parse_field
from importing.rows.expressions import Condition, Constant, Name, Operand, condition, shifted_name
from importing.rows.near_columns import no_column, unread_columns
from importing.rows.times import Reading

_LISTED = 10


@dataclass(frozen=True)
class Plan:
    """How one kind is read: its fields' columns, its fills in an order in which each finds what it needs."""

    kind: Kind
    spec: KindSpec
    zone: str
    opened: Opened
    sources: Mapping[str, Name]
    fills: Mapping[str, Operand]
    conditions: Mapping[str, Condition]

    def reading(self, field: str) -> Reading:
        """How times of that field are read."""
        shift = self.sources[field].shift if field in self.sources else Name(field).shift
        return Reading(self.zone, self.spec.formats.get(field), shift, self.opened.signs)

    @property
    def columns(self) -> set[str]:
        """All columns of the file that it needs."""
        asked = {name for c in self.conditions.values() for name in c.names if name in self.opened.names}
        return {source.name for source in self.sources.values()} | set(self.spec.attributes) | asked

    @property
    def attributes(self) -> Mapping[str, AttributeSpec]:
        """The customer's own columns."""
        return self.spec.attributes


def make_plan(description: Description, kind: str, opened: Opened) -> Plan:
    """Raises InvalidDataset naming line, key and the nearest column or field for what the file cannot give."""
    spec = description.spec.kinds()[kind]
    sources, lacking = _sources(kind, spec, opened)
    fills, unfit = _fills(kind, spec, set(sources), description.spec.timezone)
    conditions, wrong = _conditions(kind, spec, opened, set(sources) | set(fills))
    asked = {name for parsed in conditions.values() for name in parsed.names}
    near = unread_columns(kind, spec, opened.names, {source.name for source in sources.values()} | asked)
    found = [*lacking, *near, *_attribute_problems(kind, spec, opened), *unfit, *wrong]
    # A field without a column is not worth a second complaint where the first explains it.
    if spec.per and "student_id" not in set(sources) | set(fills):
        found.append(Problem((kind, "per"), f"`per: student` needs `student_id`: {no_column('student_id', opened)}"))
    found = found or list(_unsupplied(kind, set(sources) | set(fills), opened))
    if found:
        raise description.error(*found)
    return Plan(KINDS[kind], spec, description.spec.timezone, opened, sources, fills, conditions)


def _sources(kind: str, spec: KindSpec, opened: Opened) -> tuple[dict[str, Name], list[Problem]]:
    sources, found = {}, []
    for field in KINDS[kind].fields:
        said = spec.columns.get(field.name, field.name if field.name in opened.names else None)
        if said is None:
            continue
        try:
            sources[field.name] = _source(field, said, opened)
        except ValueError as error:
            found.append(Problem((kind, "columns", field.name), str(error)))
    return sources, found


def _source(field: Field, said: str, opened: Opened) -> Name:
    source = Name(said) if said in opened.names else shifted_name(said)
    if source.name not in opened.names:
        raise ValueError(no_column(source.name, opened))
    if source.shift and field.type is not FieldType.TIME:
        raise ValueError(f"`{said}`: `{field.name}` is no time, so no span can be added to it")
    return source


def _attribute_problems(kind: str, spec: KindSpec, opened: Opened) -> Iterator[Problem]:
    for name in spec.attributes:
        if name not in opened.names:
            yield Problem((kind, "attributes", name), no_column(name, opened))


def _fills(kind: str, spec: KindSpec, present: set[str], zone: str) -> tuple[dict[str, Operand], list[Problem]]:
    fills: dict[str, Operand] = {}
    found = []
    for name, said in (dict(DEFAULT_FILLS[kind]) | spec.fill).items():
        try:
            fills[name] = _fill(kind, name, said, zone)
        except ValueError as error:
            found.append(Problem((kind, "fill", name), str(error)))
    for name, fill in fills.items():
        if name in spec.fill and isinstance(fill, Name) and fill.name not in present | set(fills):
            found.append(Problem((kind, "fill", name), f"`{fill.name}` has no column to fill `{name}` from"))
    try:
        return _in_order(fills), found
    except CycleError as error:
        circle = " → ".join(error.args[1])
        return fills, [
            *found,
            Problem((kind, "fill", error.args[1][0]), f"these fill each other in a circle: {circle}"),
        ]


def _in_order(fills: Mapping[str, Operand]) -> dict[str, Operand]:
    """Each fill after those that it reads. Raises CycleError."""
    needs = {name: {fill.name} & set(fills) if isinstance(fill, Name) else set() for name, fill in fills.items()}
    return {name: fills[name] for name in TopologicalSorter(needs).static_order()}


def _fill(kind: str, name: str, said: str, zone: str) -> Operand:
    """A fill that suits its field. Raises ValueError saying what does not."""
    field, source = KINDS[kind].field(name), shifted_name(said)
    other = field_of(kind, source.name)
    if other is None:
        return _constant(kind, field, said, zone)
    if other.type is not field.type or other.choices is not field.choices:
        raise ValueError(f"`{name}` is {_a(field)}, `{other.name}` is {_a(other)}")
    if source.shift and field.type is not FieldType.TIME:
        raise ValueError(f"`{said}`: `{name}` is no time, so no span can be added to it")
    return source


def _constant(kind: str, field: Field, said: str, zone: str) -> Constant:
    if parse_field(field, pa.chunked_array([[said]]), Reading(zone)).unreadable.any():
        names = [*(f.name for f in KINDS[kind].fields if f.type is field.type), *(field.choices or ())]
        hint = did_you_mean(shifted_name(said).name, names)
        raise ValueError(f"`{said}` is neither a field of `{kind}` nor {_a(field)}{hint}")
    return Constant(said)


def _a(field: Field) -> str:
    return f"one of {', '.join(field.choices)}" if field.choices else f"a {field.type}"


def _conditions(
    kind: str, spec: KindSpec, opened: Opened, fields: set[str]
) -> tuple[dict[str, Condition], list[Problem]]:
    conditions, found = {}, []
    for number, text in enumerate(spec.filters):
        try:
            conditions[text] = _condition(text, [*fields, *opened.names])
        except ValueError as error:
            found.append(Problem((kind, "filters", number), str(error)))
    return conditions, found


def _condition(text: str, known: list[str]) -> Condition:
    parsed = condition(text)
    for name in parsed.names:
        if name not in known:
            hint = did_you_mean(name, known) or "; text stands in quotes, as in 'cancelled'"
            raise ValueError(f"`{text}`: `{name}` is neither a field nor a column{hint}")
    return parsed


def _unsupplied(kind: str, supplied: set[str], opened: Opened) -> Iterator[Problem]:
    missing = [field for field in KINDS[kind].fields if field.required and field.name not in supplied]
    if len(missing) > 1 and not any(did_you_mean(field.name, opened.names, cutoff=0.6) for field in missing):
        fields = ", ".join(f"`{field.name}`" for field in missing)
        columns = ", ".join(shown(name, 30) for name in opened.names[:_LISTED])
        message = f"nothing gives {fields}: {opened.label} has the columns {columns}. Name theirs under `columns`."
        yield Problem((kind,), message)
        return
    for field in missing:
        message = f"nothing gives `{field.name}`: {no_column(field.name, opened)}"
        yield Problem((kind,), f"{message} Name it under `columns`, or a value under `fill`.")
