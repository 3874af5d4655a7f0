"""Datasets in memory: one Arrow table for each kind, in the schema of `domain.schema`."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple

import pyarrow as pa

from domain.errors import LateFeature
from domain.schema import KINDS, FieldType
from domain.vocabulary import AttributeType

TIME = pa.timestamp("us", tz="UTC")
ATTRIBUTE_PREFIX = "attributes."

_ARROW_TYPES = {
    FieldType.TEXT: pa.string(),
    FieldType.CHOICE: pa.string(),
    FieldType.TIME: TIME,
    FieldType.NUMBER: pa.float64(),
}


@dataclass(frozen=True)
class Attribute:
    """A customer's own column on `sessions` or `tutors`.

    `late` marks one that is written only after the outcome. `known_when_asked` is a person's reason why a column that
    raises a leak alarm is known at the moment of the query; empty without one.
    """

    kind: str
    name: str
    type: AttributeType
    late: bool = False
    known_when_asked: str = ""

    @property
    def column(self) -> str:
        """Name of its column in the kind's Arrow table."""
        return ATTRIBUTE_PREFIX + self.name

    @property
    def arrow_type(self) -> pa.DataType:
        """float64 for a numeric attribute, string for a categorical one."""
        return pa.float64() if self.type is AttributeType.NUMERIC else pa.string()


STUDENT = "student_id"


class Group(NamedTuple):
    """Sessions that share a value: of an attribute of the sessions or of their tutors, or the student."""

    kind: str
    name: str


OF_STUDENTS = Group("sessions", STUDENT)


@dataclass(frozen=True)
class Dataset:
    """Arrow tables by kind. Every kind is present, without rows where the source has none.

    `departures_given` is true if the source supplies `tutors.departed_at`. Otherwise departures are inferred from
    inactivity. `histories` are the groups whose past the no-show model reads, `asked` is the time before the start of a
    session as of which it is scored; None where the source declares neither.
    """

    tables: Mapping[str, pa.Table]
    attributes: tuple[Attribute, ...] = field(default=())
    departures_given: bool = True
    histories: tuple[Group, ...] | None = None
    asked: timedelta | None = None

    def __post_init__(self) -> None:
        for kind in KINDS:
            expected = arrow_schema(kind, self.attributes)
            if not self.tables[kind].schema.equals(expected):
                raise ValueError(f"{kind}: expected columns {expected}, found {self.tables[kind].schema}")

    def feature_attributes(self, kind: str) -> tuple[Attribute, ...]:
        """Attributes of a kind that a model may read: those not marked late."""
        return tuple(a for a in self.attributes if a.kind == kind and not a.late)

    def check_features(self, names: tuple[str, ...]) -> None:
        """Raise LateFeature if the dataset file marks any of these attributes as `late`."""
        late = sorted({a.name for a in self.attributes if a.late} & set(names))
        if late:
            raise LateFeature(
                f"{', '.join(late)}: written after the booking (`late: true`), so no model may read it. Leave it out."
            )


@dataclass(frozen=True)
class Export:
    """Fields present in a dataset's files, by kind, and the time of the export.

    A kind without a file has no fields: its rows are derived from those of other kinds. `exported_at` is None
    where the dataset file does not declare it.
    """

    fields: Mapping[str, frozenset[str]]
    exported_at: datetime | None = None


def complete_export(exported_at: datetime | None = None) -> Export:
    """An export in which every kind has all its fields."""
    return Export({kind.name: frozenset(field.name for field in kind.fields) for kind in KINDS.values()}, exported_at)


def fingerprint(dataset: Dataset) -> str:
    """SHA-256 of all columns that a model can learn from. Traces a training to its data."""
    digest = hashlib.sha256()
    for kind in KINDS:
        for column in dataset.tables[kind].combine_chunks().columns:
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, pa.schema([("column", column.type)])) as stream:
                stream.write_table(pa.table({"column": column}))
            digest.update(sink.getvalue())
    return digest.hexdigest()


@cache
def arrow_schema(kind: str, attributes: tuple[Attribute, ...] = ()) -> pa.Schema:
    """Schema of a kind's table: its fields in order, then its attributes."""
    fields = [pa.field(f.name, _ARROW_TYPES[f.type]) for f in KINDS[kind].fields]
    return pa.schema(fields + [pa.field(a.column, a.arrow_type) for a in attributes if a.kind == kind])
