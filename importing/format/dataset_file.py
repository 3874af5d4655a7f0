"""The format of a dataset file: its keys, and the rules between them that need no data to be checked."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.schema import KINDS, FieldType
from domain.schema import Field as KindField
from domain.time_zones import is_time_zone, time_zone
from domain.vocabulary import AttributeType, SessionStatus
from domain.wording import did_you_mean
from importing.format.csv_section import CsvSpec, csv_problems
from importing.format.time_formats import NAMED, format_problem

VERSION = 1

WITH_ATTRIBUTES = frozenset({"tutors", "sessions"})
"""Kinds that take columns of the customer's own."""

DERIVED = ("tutors", "students")
"""Kinds that need no file: without one they are made of the ids that the rows of the other kinds name."""

DEFAULT_FILLS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        kind.name: {f.name: f.default for f in kind.fields if f.default}
        | ({"scheduled_at": "booked_at"} if kind.name == "sessions" else {})
        for kind in KINDS.values()
    }
)
"""What is filled in where a dataset file says nothing, by kind and field."""

FILES = (".csv", ".csv.gz", ".parquet", ".xlsx")
"""Endings of files that can be read."""


class AttributeSpec(BaseModel):
    """How one of the customer's own columns enters a model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: AttributeType = Field(description="`numeric` or `categorical`")
    late: bool = Field(False, description="`true` for a column written after the booking: kept, but never a feature")

    @model_validator(mode="before")
    @classmethod
    def _long_form(cls, given: Any) -> Any:
        return {"type": given} if isinstance(given, str) else given


class KindSpec(BaseModel):
    """Where one kind of thing is found and how its columns are read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str = Field(min_length=1, description="CSV, CSV.gz, Parquet or Excel (.xlsx), relative to the dataset file")
    csv: CsvSpec | None = Field(
        None, description="how its CSV file is written, where it differs from the general `csv`"
    )
    per: str | None = Field(
        None, description="`student` where a session has one row a student (sessions only); see Group sessions"
    )
    sheet: str | None = Field(None, description="name of the sheet of an Excel file that has several")
    columns: dict[str, str | None] = Field(
        default={},
        description="FIELD: COLUMN, or for a time COLUMN ± SPAN. A field not named here is read from the column of its "
        "own name, if there is one; `~` leaves that column unread",
    )
    values: dict[str, dict[str, str | None]] = Field(
        default={}, description="FIELD or ATTRIBUTE: {what the file says: what it means}; `~` means empty"
    )
    formats: dict[str, str] = Field(
        default={},
        description="FIELD: format of a time, in strptime's signs, or one of "
        + ", ".join(f"`{name}`" for name in NAMED),
    )
    fill: dict[str, str] = Field(
        default={}, description="FIELD: FIELD, FIELD ± SPAN or a constant, where the column or the value is missing"
    )
    filters: tuple[str, ...] = Field(default=(), description="conditions; a row that does not meet all is left out")
    attributes: dict[str, AttributeSpec] = Field(
        default={}, description="COLUMN: `numeric`, `categorical` or {type: …, late: true} (tutors and sessions only)"
    )


class DatasetSpec(BaseModel):
    """A whole dataset file. Every kind but `sessions` may be absent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = Field(VERSION, description=f"of this format: {VERSION}")
    name: str | None = Field(None, description="what to call the dataset")
    timezone: str = Field("UTC", description="IANA zone of times that state none")
    exported_at: str | None = Field(
        None, description="when the files were exported, as in 2026-11-30T12:00Z; see Imports and events"
    )
    csv: CsvSpec | None = Field(None, description="how CSV files are written, below; for all kinds")
    tutors: KindSpec | None = Field(None, description="who gives sessions")
    students: KindSpec | None = Field(None, description="who takes them")
    sessions: KindSpec = Field(description="what was booked, and what became of it")
    reschedules: KindSpec | None = Field(None, description="sessions moved")
    messages: KindSpec | None = Field(None, description="who wrote to whom, and when")
    transcripts: KindSpec | None = Field(None, description="what was said in a session")

    @property
    def exported_moment(self) -> datetime | None:
        """`exported_at` as a moment. Raises ValueError where it is not a time."""
        return None if self.exported_at is None else read_moment(self.exported_at, self.timezone)

    def kinds(self) -> dict[str, KindSpec]:
        """The kinds it describes, in the order in which they can be loaded."""
        return {kind: spec for kind in KINDS if (spec := getattr(self, kind)) is not None}

    def csv_of(self, kind: str) -> CsvSpec:
        """How a kind's CSV file is written: its own section over the general one."""
        own = self.kinds()[kind].csv or CsvSpec.model_validate({})
        return own.over(self.csv)


def read_moment(text: str, zone: str) -> datetime:
    """A date or time in ISO 8601; in `zone` where it states none. Raises ValueError where it is not one."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"`{text}` is not a time; write one such as 2026-11-30T12:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=time_zone(zone))


class Problem(NamedTuple):
    """What is wrong with a dataset file, and the path of keys to where it says so."""

    path: tuple[str | int, ...]
    message: str


def problems(spec: DatasetSpec) -> Iterator[Problem]:
    """All that is wrong with a dataset file as far as can be said without its data."""
    if spec.version != VERSION:
        yield Problem(("version",), f"version {spec.version} is not known here; write `version: {VERSION}`")
    if not is_time_zone(spec.timezone):
        yield Problem(("timezone",), f"`{spec.timezone}` is no time zone; write a name such as Europe/Berlin")
    else:
        yield from _moment_problems(spec)
    if spec.csv:
        yield from (Problem(("csv", key), message) for key, message in csv_problems(spec.csv))
    for kind, described in spec.kinds().items():
        yield from _kind_problems(kind, described, spec.timezone)
        if described.csv:
            yield from (Problem((kind, "csv", key), message) for key, message in csv_problems(spec.csv_of(kind)))


def _moment_problems(spec: DatasetSpec) -> Iterator[Problem]:
    try:
        _ = spec.exported_moment
    except ValueError as error:
        yield Problem(("exported_at",), str(error))


def _kind_problems(kind: str, spec: KindSpec, zone: str) -> Iterator[Problem]:
    yield from _file_problems(kind, spec)
    yield from _name_problems(kind, spec)
    for name, mapped in spec.values.items():
        yield from _value_problems(kind, name, mapped)
    for name, pattern in spec.formats.items():
        yield from _format_problems(kind, name, pattern, zone)
    yield from _attribute_problems(kind, spec)
    if spec.per is not None and (kind, spec.per) != ("sessions", "student"):
        yield Problem((kind, "per"), f"`per: {spec.per}`: only `per: student` is known, and only for `sessions`")


def _file_problems(kind: str, spec: KindSpec) -> Iterator[Problem]:
    if spec.csv and spec.file.lower().endswith((".parquet", ".xlsx")):
        yield Problem((kind, "csv"), f"`csv` is for CSV files, and `{spec.file}` is none; leave it out")
    if spec.sheet is not None and not spec.file.lower().endswith(".xlsx"):
        yield Problem((kind, "sheet"), f"`sheet` is for Excel files, and `{spec.file}` is none; leave it out")


def _name_problems(kind: str, spec: KindSpec) -> Iterator[Problem]:
    fields = [f.name for f in KINDS[kind].fields]
    for section in ("columns", "values", "formats", "fill"):
        known = fields + list(spec.attributes) if section == "values" else fields
        for name in getattr(spec, section):
            if name not in known:
                hint = did_you_mean(name, known)
                yield Problem((kind, section, name), f"`{name}` is not a field of `{kind}`{hint}")


def _value_problems(kind: str, name: str, mapped: Mapping[str, str | None]) -> Iterator[Problem]:
    field = field_of(kind, name)
    if field is None or field.choices is None:
        return
    for said, meant in mapped.items():
        if meant is not None and meant not in list(field.choices):
            hint = did_you_mean(meant, field.choices) or f"; it is one of {', '.join(field.choices)}"
            yield Problem((kind, "values", name, said), f"`{meant}` is no value of `{name}`{hint}")


def _format_problems(kind: str, name: str, pattern: str, zone: str) -> Iterator[Problem]:
    field, path = field_of(kind, name), (kind, "formats", name)
    if field is not None and field.type is not FieldType.TIME:
        yield Problem(path, f"`{name}` is no time, so it has no format")
    elif field is not None and (problem := format_problem(pattern, zone)):
        yield Problem(path, problem)


def _attribute_problems(kind: str, spec: KindSpec) -> Iterator[Problem]:
    if spec.attributes and kind not in WITH_ATTRIBUTES:
        yield Problem((kind, "attributes"), "only `tutors` and `sessions` have attributes")
    for field in KINDS[kind].fields:
        column = spec.columns.get(field.name, field.name)
        attribute = spec.attributes.get(column or "")
        if attribute and not attribute.late and is_outcome(field):
            message = f"`{column}` is the column of `{field.name}`, known only after the session: add `late: true`"
            yield Problem((kind, "attributes", column or ""), message)


def is_outcome(field: KindField) -> bool:
    """Whether a field says how a session or a tutor's stay ended."""
    return field.late or field.choices is SessionStatus


def field_of(kind: str, name: str) -> KindField | None:
    """The field of that name, if the kind has it."""
    return next((field for field in KINDS[kind].fields if field.name == name), None)
