"""Interfaces of opened and read files, for all formats."""

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
    """A row that is missing from the table because it cannot be read as a whole."""

    row: int
    reason: str


class Numbering(Protocol):
    """Positions of a table's rows in their file."""

    def numbers(self, indices: NDArray[int64]) -> NDArray[int64]:
        """Row numbers as usually counted in that file format."""

    @property
    def faults(self) -> Sequence[Fault]:
        """Rows of the file that are missing from the table."""


@dataclass(frozen=True)
class Source:
    """The readable rows of one file: CSV columns as text, others in their own types."""

    label: str
    table: pa.Table
    numbering: Numbering

    def row_numbers(self, indices: NDArray[int64]) -> NDArray[int64]:
        """Positions of rows: line of a CSV (the header is line 1), row of an Excel sheet, index in Parquet (from 0)."""
        return self.numbering.numbers(indices)

    @property
    def faults(self) -> Sequence[Fault]:
        """Rows of the file that are missing from the table, each with its reason."""
        return self.numbering.faults


class Opened(Protocol):
    """A file whose column names are known and whose rows have not been read yet."""

    @property
    def label(self) -> str:
        """File name as given by the user."""

    @property
    def path(self) -> Path:
        """Path of the file."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns."""

    @property
    def signs(self) -> Signs:
        """Number signs used in its text."""

    @property
    def form(self) -> str:
        """File format: CSV, Parquet or Excel."""

    def read(self, columns: Collection[str]) -> Source:
        """Read the given columns. Raises InvalidDataset."""


def wanted(opened: Opened, columns: Collection[str]) -> list[str]:
    """The given columns in file order. Raises InvalidDataset for a column name that occurs twice."""
    twice = next((name for name in columns if opened.names.count(name) > 1), None)
    if twice is not None:
        raise InvalidDataset(f"{opened.label}: the column `{twice}` occurs twice; rename one")
    return [name for name in opened.names if name in columns]
