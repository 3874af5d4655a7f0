"""Rows of one kind to merge into its table, and the part of them that the file carries."""

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from domain.schema import KINDS

EXPORT_MOMENTS = {"tutors": "exported_at", "sessions": "exported_at", "transcripts": "exported_at"}
"""Column with the moment of the export that last wrote a row's fields, by kind."""

ATTRIBUTES_MOMENT = "attributes_exported_at"
"""Column with the moment of the export that last wrote a session's attributes, which have events of their own."""


@dataclass(frozen=True)
class Incoming:
    """Rows to merge into the table of their kind.

    `rows` has every column of the table; `fields` are those in the file, `attributes` the names of the attributes in
    the file. `exported_at` is None if it was not declared.
    """

    kind: str
    rows: pa.Table
    fields: frozenset[str]
    attributes: tuple[str, ...]
    exported_at: datetime | None

    @property
    def key(self) -> str:
        """Name of the kind's key column."""
        return KINDS[self.kind].key

    @property
    def merged(self) -> list[str]:
        """Fields that may change in stored rows, in order. `scheduled_at` is derived if the file lacks it."""
        derived = {"scheduled_at"} if self.kind == "sessions" and self.fields else set()
        written = (self.fields | derived) - {self.key}
        return [field.name for field in KINDS[self.kind].fields if field.name in written]

    @property
    def moments(self) -> list[str]:
        """Columns that store the moment of the export; empty if it was not declared."""
        if self.exported_at is None:
            return []
        fields = [EXPORT_MOMENTS[self.kind]] if self.fields and self.kind in EXPORT_MOMENTS else []
        return fields + ([ATTRIBUTES_MOMENT] if self.attributes and self.kind == "sessions" else [])
