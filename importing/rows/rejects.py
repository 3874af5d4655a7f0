"""Verdicts on rows, rejected rows with their reasons, and the file of rejects."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from importing.files.parsing import as_text
from importing.files.sources import Source

SCHEMA = pa.schema(
    [
        ("file", pa.string()),
        ("row", pa.int64()),
        ("column", pa.string()),
        ("value", pa.string()),
        ("reason", pa.string()),
    ]
)
"""One line per rejected row, with the first rule it breaks."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class RejectCounts:
    """Row counts of one kind. `read` is the sum of the others; a kind without a file has only derived, `good` rows."""

    read: int = 0
    good: int = 0
    rejected: int = 0
    filtered: int = 0
    duplicates: int = 0


class Verdicts:
    """Verdict on each row of one file. A row is rejected once, for the first rule that it breaks."""

    def __init__(self, source: Source) -> None:
        """Start with all rows good, except those that cannot be read as a whole."""
        self._source = source
        n = source.table.num_rows
        self.good: Mask = np.ones(n, bool)
        self.filtered: Mask = np.zeros(n, bool)
        self.rejected: Mask = np.zeros(n, bool)
        self._notes: list[pa.Table] = [self._faults()]

    def exclude(self, rows: Mask) -> None:
        """Mark rows as excluded by a filter."""
        self.filtered |= rows & self.good
        self.good &= ~rows

    def collapse(self, rows: Mask) -> None:
        """Drop rows that are identical to an earlier one."""
        self.good &= ~rows

    def reject(self, rows: Mask, column: str, values: pa.ChunkedArray | None, reason: str | Sequence[str]) -> None:
        """Reject the rows that are still good. `reason` is one for all, or one for each row set in `rows`."""
        chosen = rows & self.good
        indices = np.flatnonzero(chosen)
        if not indices.size:
            return
        self.good &= ~chosen
        self.rejected |= chosen
        if not isinstance(reason, str):
            reason = [why for why, taken in zip(reason, chosen[rows], strict=True) if taken]
        texts = as_text(values.take(pa.array(indices))).to_pylist() if values is not None else [""] * indices.size
        self._notes.append(self._note(self._source.row_numbers(indices), column, texts, reason))

    @property
    def rejects(self) -> pa.Table:
        """Rejected rows in file order, in SCHEMA."""
        return pa.concat_tables(self._notes).sort_by("row")

    def counts(self) -> RejectCounts:
        """Number of rows by verdict."""
        faults = len(self._source.faults)
        read, good = self.good.size + faults, int(self.good.sum())
        rejected, filtered = int(self.rejected.sum()) + faults, int(self.filtered.sum())
        return RejectCounts(read, good, rejected, filtered, read - good - rejected - filtered)

    def _faults(self) -> pa.Table:
        faults = self._source.faults
        rows = np.array([fault.row for fault in faults], np.int64)
        return self._note(rows, "", [""] * rows.size, [fault.reason for fault in faults])

    def _note(
        self, rows: NDArray[np.int64], column: str, texts: list[str | None], reason: str | Sequence[str]
    ) -> pa.Table:
        reasons = [reason] * rows.size if isinstance(reason, str) else reason
        columns = [[self._source.label] * rows.size, rows, [column] * rows.size, [v or "" for v in texts], reasons]
        return pa.table([pa.array(c, field.type) for c, field in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)


def write_rejects(table: pa.Table, path: Path) -> None:
    """Write rejected rows as CSV. Raises OSError."""
    csv.write_csv(table, path)
