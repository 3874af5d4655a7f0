"""Partition of a marketplace by tutor, so that features are computed part by part.

Values equal those of one pass over all data to the last bit: a column reads the history of one tutor, sums are exact,
and the priors are an argument.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TypeVar
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.schema import KINDS
from features.as_of.past import Past
from features.as_of.prior_estimation import prior_counts, priors_of
from features.as_of.priors import Priors
from features.as_of.queries import of_sessions
from features.base.array_types import Ints, Matrix
from features.base.arrays import array, codes
from features.base.dataset import Dataset
from features.base.kernel import group
from features.catalogue import compute_into
from features.columns.feature import Feature
from features.history.history import History

T = TypeVar("T")

SESSIONS_A_PART = 75_000
"""Size at which the arrays of a part fit into the processor's cache; larger parts take 50 % longer."""


@dataclass(frozen=True)
class Part:
    """All data of some tutors, and the rows of its sessions in the whole dataset (sessions,).

    Tables of a part in memory are `Cut`s, except those without tutors.
    """

    dataset: Dataset
    rows: Ints


REPEATED = MappingProxyType(
    {
        "sessions": ("tutor_id", "student_id", "status", "initiated_by"),
        "reschedules": ("tutor_id", "initiator"),
        "messages": ("tutor_id", "sender"),
    }
)
"""Columns of few distinct texts, by kind: their codes are copied to a part, not the texts."""


class Coded:
    """Columns of a whole table, those of REPEATED as dictionaries; each converted when it is first read."""

    def __init__(self, kind: str, table: pa.Table) -> None:
        self.table, self._repeated = table, REPEATED.get(kind, ())
        self._columns: dict[str, pa.Array] = {}

    def __getitem__(self, name: str) -> pa.Array:
        if name not in self._columns:
            column = array(self.table[name])
            self._columns[name] = column.dictionary_encode() if name in self._repeated else column
        return self._columns[name]


class Cut:
    """Some rows of a table, read like a table by features; each column is copied when it is first read."""

    def __init__(self, columns: Coded, rows: Ints) -> None:
        self._whole, self._rows = columns, pa.array(rows)
        self._columns: dict[str, pa.Array] = {}

    @property
    def schema(self) -> pa.Schema:
        """Schema of the table."""
        return self._whole.table.schema

    @property
    def num_rows(self) -> int:
        """Number of the rows."""
        return len(self._rows)

    def __getitem__(self, name: str) -> pa.Array:
        if name not in self._columns:
            self._columns[name] = self._whole[name].take(self._rows)
        return self._columns[name]

    def table(self) -> pa.Table:
        """The rows as a table, all columns copied."""
        return self._whole.table.take(self._rows)


def as_table(rows: Cut | pa.Table) -> pa.Table:
    """The whole table of a part."""
    return rows.table() if isinstance(rows, Cut) else rows


class Partition:
    """A dataset divided by the hash of the tutor id; a part is built when it is accessed.

    Rows of an unknown tutor are in the part that the tutor id hashes to, as all other rows.
    """

    def __init__(self, dataset: Dataset, n: int) -> None:
        self.dataset, self._n = dataset, n
        divided = {kind: table for kind, table in dataset.tables.items() if "tutor_id" in table.column_names}
        self._coded = {kind: Coded(kind, table.combine_chunks()) for kind, table in divided.items()}
        self._by_part = {kind: self._grouped(columns) for kind, columns in self._coded.items()}

    def __len__(self) -> int:
        return self._n

    def __iter__(self) -> Iterator[Part]:
        return (self[i] for i in range(self._n))

    def __getitem__(self, i: int) -> Part:
        if not 0 <= i < self._n:
            raise IndexError(f"part {i} of {self._n}")
        tables = {kind: Cut(columns, self._rows(kind, i)) for kind, columns in self._coded.items()}
        tables["students"] = _named_by(tables["sessions"], self.dataset.tables["students"])
        tables |= {kind: self.dataset.tables[kind] for kind in KINDS if kind not in tables}
        return Part(replace(self.dataset, tables=tables), self._rows("sessions", i))

    def _rows(self, kind: str, i: int) -> Ints:
        order, starts = self._by_part[kind]
        return order[starts[i] : starts[i + 1]]

    def _grouped(self, columns: Coded) -> tuple[Ints, Ints]:
        ids = columns["tutor_id"]
        ids = ids if isinstance(ids, pa.DictionaryArray) else ids.dictionary_encode()
        part_of = np.array([crc32(str(name).encode()) % self._n for name in ids.dictionary.to_pylist()], np.int64)
        order, starts = group(np.append(part_of, 0)[codes(ids.indices)], self._n)
        return order, starts


def partition(dataset: Dataset, n: int = 0) -> Partition:
    """Divide a dataset into n parts, or into a number that suits its size if n is 0."""
    return Partition(dataset, n or -(-dataset.tables["sessions"].num_rows // SESSIONS_A_PART) or 1)


def compute_by_parts(features: Sequence[Feature], parts: Partition, priors: Priors, workers: int) -> Matrix:
    """Matrix (sessions, features), in C order, of every session as of its early-warning moment.

    `workers` threads compute parts in parallel: the kernels and Arrow release the GIL.
    """
    n_sessions = parts.dataset.tables["sessions"].num_rows
    matrix = np.empty((n_sessions, len(features)), dtype=np.float32)

    def fill(i: int) -> None:
        part = parts[i]
        history = History(part.dataset)
        compute_into(matrix, part.rows, features, Past(history, of_sessions(history.sessions), priors))

    _in_threads(fill, len(parts), workers)
    return matrix


def estimate_by_parts(parts: Partition, before: int, workers: int) -> Priors:
    """Priors of the whole marketplace, equal to those of `estimate_priors`, from the counts of each part."""
    return priors_of(_in_threads(lambda i: prior_counts(History(parts[i].dataset), before), len(parts), workers))


def _in_threads(work: Callable[[int], T], n: int, workers: int) -> list[T]:
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, range(n)))


def _named_by(sessions: pa.Table, students: pa.Table) -> pa.Table:
    named = array(pc.unique(sessions["student_id"]))
    named = named.dictionary_decode() if isinstance(named, pa.DictionaryArray) else named
    return students.filter(pc.is_in(students["student_id"], value_set=named))
