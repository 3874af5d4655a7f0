"""Counts of an import: rows by kind, and changes by field."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class FieldChanges:
    """Changes of one field, in rows: empty to a value, a value to empty, one value to another."""

    set: int = 0
    cleared: int = 0
    changed: int = 0


@dataclass(frozen=True)
class KindSummary:
    """Counts of one kind, in rows; each row of the dataset is counted once.

    `left_alone`: rows that differ and stay as they are, because what is stored may be newer than the export.
    `conflicting`: rows that stay because, with the stored fields that the file lacks, their times would be out of
    order. `erased`: rows about an erased tutor or student. `fields` counts the changes of changed rows; `examples`
    contains a few keys per count.
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    left_alone: int = 0
    conflicting: int = 0
    erased: int = 0
    fields: Mapping[str, FieldChanges] = field(default_factory=dict, compare=False)
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict, compare=False)

    def counts(self) -> dict[str, int]:
        """The counts by name."""
        names = ("new", "changed", "unchanged", "left_alone", "conflicting", "erased")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class LoadSummary:
    """Counts of a load, by kind."""

    kinds: Mapping[str, KindSummary]

    @property
    def new(self) -> int:
        """New rows of all kinds."""
        return sum(kind.new for kind in self.kinds.values())

    @property
    def changed(self) -> int:
        """Changed rows of all kinds."""
        return sum(kind.changed for kind in self.kinds.values())

    @property
    def unchanged(self) -> int:
        """Rows of all kinds that are stored already with the same content."""
        return sum(kind.unchanged for kind in self.kinds.values())

    @property
    def left_alone(self) -> int:
        """Rows of all kinds that stay because what is stored may be newer than the export."""
        return sum(kind.left_alone for kind in self.kinds.values())
