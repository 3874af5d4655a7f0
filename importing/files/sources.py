"""Files that are opened and files that are read, whatever their form."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import pyarrow as pa
from numpy import int64
from numpy.typing import NDArray

from domain.errors import InvalidDataset
from importing.files.parsing import Signs


class Fault(NamedTuple):
    """A row that the table leaves out because it cannot be read as a whole."""

    row: int
    reason: str


class Numbering(Protocol):
    """Where the rows of a table stand in their file."""

    def numbers(self, indices: NDArray[int64]) -> NDArray[int64]:
        """The rows' numbers as a person counts them in that form of file."""

    @property
    def faults(self) -> Sequence[Fault]:
        """Rows of the file that are not in the table."""


@dataclass(frozen=True)
class Source:
    """The rows of one file that could be read: columns of CSV as text, others in their own types."""

    label: str
    table: pa.Table
    numbering: Numbering

    def row_numbers(self, indices: NDArray[int64]) -> NDArray[int64]:
        """Where rows stand: the line of a CSV, the header being line 1; Excel's own row; Parquet's index, from 0."""
        return self.numbering.numbers(indices)

    @property
    def faults(self) -> Sequence[Fault]:
        """Rows of the file that are not in the table, each with its reason."""
        return self.numbering.faults


class Opened(Protocol):
    """A file whose column names are known and whose rows are not read yet."""

    @property
    def label(self) -> str:
        """The file as the user named it."""

    @property
    def path(self) -> Path:
        """Where it lies."""

    @property
    def names(self) -> tuple[str, ...]:
        """All columns of the file."""

    @property
    def signs(self) -> Signs:
        """How numbers are written in its text."""

    @property
    def form(self) -> str:
        """The kind of file: CSV, Parquet or Excel."""

    def read(self, columns: Collection[str]) -> Source:
        """Read these columns. Raises InvalidDataset."""


def wanted(opened: Opened, columns: Collection[str]) -> list[str]:
    """The columns in the file's order. Raises InvalidDataset for one that the file has twice."""
    twice = next((name for name in columns if opened.names.count(name) > 1), None)
    if twice is not None:
        raise InvalidDataset(f"{opened.label}: the column `{twice}` stands twice; rename one")
    return [name for name in opened.names if name in columns]
