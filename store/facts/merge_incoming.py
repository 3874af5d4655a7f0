"""Rows of one kind to merge into its table, and the part of them that the file carries."""

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from domain.schema import KINDS

EXPORT_MOMENTS = {"tutors": "exported_at", "sessions": "exported_at", "transcripts": "exported_at"}
"""Column that keeps when the export was made from which a row's fields were last written, by kind."""

ATTRIBUTES_MOMENT = "attributes_exported_at"
"""Merge statement for the attributes of sessions, which events write apart from the other fields."""


@dataclass(frozen=True)
class Incoming:
    """Rows to merge into the table of their kind.

    `rows` has every column of the table; `fields` are those that the file carries, `attributes` the names of the
    attributes it carries. `exported_at` is None where it was not declared.
    """

    kind: str
    rows: pa.Table
    fields: frozenset[str]
    attributes: tuple[str, ...]
    exported_at: datetime | None

    @property
    def key(self) -> str:
        """The key of the kind."""
        return KINDS[self.kind].key

    @property
    def merged(self) -> list[str]:
        """The fields that change stored rows, in order. `scheduled_at` follows where the file does not carry it."""
        derived = {"scheduled_at"} if self.kind == "sessions" and self.fields else set()
        written = (self.fields | derived) - {self.key}
        return [field.name for field in KINDS[self.kind].fields if field.name in written]

    @property
    def moments(self) -> list[str]:
        """The columns that keep the moment of the export, where there is one to keep."""
        if self.exported_at is None:
            return []
        fields = [EXPORT_MOMENTS[self.kind]] if self.fields and self.kind in EXPORT_MOMENTS else []
        return fields + ([ATTRIBUTES_MOMENT] if self.attributes and self.kind == "sessions" else [])
