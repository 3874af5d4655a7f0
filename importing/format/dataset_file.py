"""Specification of a dataset file: keys, and the rules between them that can be checked without data."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from domain.schema import KINDS, FieldType
from domain.schema import Field as KindField
from domain.time_zones import is_time_zone, time_zone
from domain.wording import did_you_mean
from importing.format.csv_section import CsvSpec, csv_problems
from importing.format.declarations import AttributeDeclaration, declaration_problems
from importing.format.outcome_columns import columns_behind, is_outcome
from importing.format.time_formats import NAMED, format_problem

VERSION = 1

WITH_ATTRIBUTES = frozenset({"tutors", "sessions"})
"""Kinds that may have attributes, the customer's own columns."""

DERIVED = ("tutors", "students")
"""Kinds that need no file: without one they are derived from the ids in the other kinds' rows."""

DEFAULT_FILLS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        kind.name: {f.name: f.default for f in kind.fields if f.default}
        | ({"scheduled_at": "booked_at"} if kind.name == "sessions" else {})
        for kind in KINDS.values()
    }
)
"""Default fills by kind and field, used where a dataset file declares none."""

FILES = (".csv", ".csv.gz", ".parquet", ".xlsx")
"""File name extensions that can be read."""


class KindSpec(BaseModel):
    """File of one kind of record, and the interpretation of its columns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str = Field(min_length=1, description="CSV, CSV.gz, Parquet or Excel (.xlsx), relative to the dataset file")
    csv: CsvSpec | None = Field(None, description="format of its CSV file, where it differs from the general `csv`")
    per: str | None = Field(
        None, description="`student` if a session has one row per student (sessions only); see Group sessions"
    )
    sheet: str | None = Field(None, description="name of the sheet, for an Excel file with several")
    columns: dict[str, str | None] = Field(
        default={},
        description="FIELD: COLUMN, COLUMN + COLUMN, or for a time also ± SPAN. A field not named here is "
        "read from the column with its own name, if there is one; `~` ignores that column",
    )
    values: dict[str, dict[str, str | None]] = Field(
        default={}, description="FIELD or ATTRIBUTE: {value in the file: meaning}; `~` means empty"
    )
    when: dict[str, dict[str, str]] = Field(
        default={},
        description="FIELD: {value: condition}, for a field with choices such as `status`: the first condition met "
        "gives the value; otherwise the column does",
    )
    formats: dict[str, str] = Field(
        default={},
        description="FIELD: format of a time, in strptime notation, or one of "
        + ", ".join(f"`{name}`" for name in NAMED),
    )
    fill: dict[str, str] = Field(
        default={},
        description="FIELD: FIELD, FIELD ± SPAN, FIELD ± COLUMN days or a constant, where the column or the value is "
        "missing",
    )
    filters: tuple[str, ...] = Field(default=(), description="conditions; a row is kept if it meets all of them")
    attributes: dict[str, AttributeDeclaration] = Field(
        default={}, description="COLUMN: `numeric`, `categorical` or {type: …, late: true} (tutors and sessions only)"
    )
    history: tuple[str, ...] | None = Field(
        None,
        description="attributes, or `student_id`, whose values have a past that the no-show model reads (tutors and "
        "sessions only); `[]` for none. See Histories of groups",
    )
    asked: str | None = Field(
        None,
        description="`at booking`, or a time such as `24 hours before start`: the moment as of which a session is "
        "forecast (sessions only). See When sessions are asked",
    )


class DatasetSpec(BaseModel):
    """A whole dataset file. Every kind but `sessions` may be absent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = Field(VERSION, description=f"version of this format: {VERSION}")
    name: str | None = Field(None, description="name of the dataset")
    timezone: str = Field("UTC", description="IANA time zone of times without a UTC offset")
    exported_at: str | None = Field(
        None, description="when the files were exported, as in 2026-11-30T12:00Z; see Imports and events"
    )
    csv: CsvSpec | None = Field(None, description="format of the CSV files of all kinds; keys below")
    tutors: KindSpec | None = Field(None, description="tutors")
    students: KindSpec | None = Field(None, description="students")
    sessions: KindSpec = Field(description="booked sessions and their outcomes")
    reschedules: KindSpec | None = Field(None, description="reschedules of sessions")
    messages: KindSpec | None = Field(None, description="sender, recipient and time of messages")
    transcripts: KindSpec | None = Field(None, description="transcripts of sessions")

    @property
    def exported_moment(self) -> datetime | None:
        """`exported_at` as a moment. Raises ValueError if it is not a time."""
        return None if self.exported_at is None else read_moment(self.exported_at, self.timezone)

    def kinds(self) -> dict[str, KindSpec]:
        """Described kinds, in load order."""
        return {kind: spec for kind in KINDS if (spec := getattr(self, kind)) is not None}

    def csv_of(self, kind: str) -> CsvSpec:
        """CSV format of a kind: its own section, completed by the general one."""
        own = self.kinds()[kind].csv or CsvSpec.model_validate({})
        return own.over(self.csv)


def read_moment(text: str, zone: str) -> datetime:
    """Parse an ISO 8601 date or time, in `zone` if it has no UTC offset. Raises ValueError for other text."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"`{text}` is not a time; write one such as 2026-11-30T12:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=time_zone(zone))


class DatasetProblem(NamedTuple):
    """An error in a dataset file, and the path of keys to it."""

    path: tuple[str | int, ...]
    message: str


def problems(spec: DatasetSpec) -> Iterator[DatasetProblem]:
    """Errors of a dataset file that can be found without its data."""
    if spec.version != VERSION:
        yield DatasetProblem(("version",), f"version {spec.version} is not supported; write `version: {VERSION}`")
    if not is_time_zone(spec.timezone):
        yield DatasetProblem(("timezone",), f"`{spec.timezone}` is not a time zone; write a name such as Europe/Berlin")
    else:
        yield from _moment_problems(spec)
    if spec.csv:
        yield from (DatasetProblem(("csv", key), message) for key, message in csv_problems(spec.csv))
    for kind, described in spec.kinds().items():
        yield from _kind_problems(kind, described, spec.timezone)
        if described.csv:
            yield from (DatasetProblem((kind, "csv", key), message) for key, message in csv_problems(spec.csv_of(kind)))


def _moment_problems(spec: DatasetSpec) -> Iterator[DatasetProblem]:
    try:
        _ = spec.exported_moment
    except ValueError as error:
        yield DatasetProblem(("exported_at",), str(error))


def _kind_problems(kind: str, spec: KindSpec, zone: str) -> Iterator[DatasetProblem]:
    yield from _file_problems(kind, spec)
    yield from _name_problems(kind, spec)
    for name, mapped in spec.values.items():
        yield from _value_problems((kind, "values", name), mapped)
    for name, conditions in spec.when.items():
        yield from _when_problems((kind, "when", name), conditions)
    for name, pattern in spec.formats.items():
        yield from _format_problems(kind, name, pattern, zone)
    yield from _attribute_problems(kind, spec)
    yield from (
        DatasetProblem(path, message)
        for path, message in declaration_problems(kind, spec.attributes, spec.history, spec.asked)
    )
    if spec.per is not None and (kind, spec.per) != ("sessions", "student"):
        yield DatasetProblem((kind, "per"), f"`per: {spec.per}`: only `per: student`, for `sessions`, is supported")


def _file_problems(kind: str, spec: KindSpec) -> Iterator[DatasetProblem]:
    if spec.csv and spec.file.lower().endswith((".parquet", ".xlsx")):
        yield DatasetProblem((kind, "csv"), f"`csv` is for CSV files, and `{spec.file}` is not one; remove it")
    if spec.sheet is not None and not spec.file.lower().endswith(".xlsx"):
        yield DatasetProblem((kind, "sheet"), f"`sheet` is for Excel files, and `{spec.file}` is not one; remove it")


def _name_problems(kind: str, spec: KindSpec) -> Iterator[DatasetProblem]:
    fields = [f.name for f in KINDS[kind].fields]
    for section in ("columns", "values", "when", "formats", "fill"):
        known = fields + list(spec.attributes) if section == "values" else fields
        for name in getattr(spec, section):
            if name not in known:
                hint = did_you_mean(name, known)
                yield DatasetProblem((kind, section, name), f"`{name}` is not a field of `{kind}`{hint}")


def _when_problems(path: tuple[str, str, str], conditions: Mapping[str, str]) -> Iterator[DatasetProblem]:
    field = field_of(path[0], path[2])
    if field is not None and field.choices is None:
        yield DatasetProblem(path, f"`when` is for fields with choices, such as `status`; `{field.name}` has none")
    yield from _value_problems(path, {value: value for value in conditions})


def _value_problems(path: tuple[str, str, str], mapped: Mapping[str, str | None]) -> Iterator[DatasetProblem]:
    name = path[2]
    field = field_of(path[0], name)
    if field is None or field.choices is None:
        return
    for written, meant in mapped.items():
        if meant is not None and meant not in list(field.choices):
            hint = did_you_mean(meant, field.choices) or f"; write one of {', '.join(field.choices)}"
            yield DatasetProblem((*path, written), f"`{meant}` is not a value of `{name}`{hint}")


def _format_problems(kind: str, name: str, pattern: str, zone: str) -> Iterator[DatasetProblem]:
    field, path = field_of(kind, name), (kind, "formats", name)
    if field is not None and field.type is not FieldType.TIME:
        yield DatasetProblem(path, f"`{name}` is not a time, so it has no format")
    elif field is not None and (problem := format_problem(pattern, zone)):
        yield DatasetProblem(path, problem)


def _attribute_problems(kind: str, spec: KindSpec) -> Iterator[DatasetProblem]:
    for name, declared in spec.attributes.items():
        if declared.late and declared.known_when_asked:
            message = "a column cannot be `late: true` and `known_when_asked`; remove one of them"
            yield DatasetProblem((kind, "attributes", name), message)
    if spec.attributes and kind not in WITH_ATTRIBUTES:
        yield DatasetProblem((kind, "attributes"), "only `tutors` and `sessions` have attributes")
    for field in filter(is_outcome, KINDS[kind].fields):
        own = spec.columns.get(field.name, field.name)
        behind = columns_behind(own, spec.when.get(field.name, {}), spec.fill.get(field.name, ""))
        for column in dict.fromkeys(behind):
            attribute = spec.attributes.get(column)
            confirmed = attribute and attribute.known_when_asked and column != own
            if attribute and not attribute.late and not confirmed:
                message = f"`{column}` is the column of `{field.name}`, known only after the session: add `late: true`"
                yield DatasetProblem((kind, "attributes", column), message)


def field_of(kind: str, name: str) -> KindField | None:
    """The kind's field with that name, or None."""
    return next((field for field in KINDS[kind].fields if field.name == name), None)
