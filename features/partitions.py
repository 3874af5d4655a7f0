"""Partition of a marketplace by tutor, so that features are computed part by part.

Values equal those of one pass over all data to the last bit: a column reads the history of one tutor, sums are exact,
and the priors are an argument.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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
from features.catalogue import compute
from features.columns.feature import Feature
from features.history.history import History

T = TypeVar("T")

SESSIONS_A_PART = 75_000
"""Size at which the arrays of a part fit into the processor's cache; larger parts take 50 % longer."""


@dataclass(frozen=True)
class Part:
    """All data of some tutors, and the rows of its sessions in the whole dataset (sessions,)."""

    dataset: Dataset
    rows: Ints


class Partition:
    """A dataset divided by the hash of the tutor id; a part is built when it is accessed.

    Rows of an unknown tutor are in the part that the tutor id hashes to, as all other rows.
    """

    def __init__(self, dataset: Dataset, n: int) -> None:
        self.dataset, self._n = dataset, n
        self._tables = {kind: t.combine_chunks() for kind, t in dataset.tables.items() if "tutor_id" in t.column_names}
        self._by_part = {kind: self._grouped(table) for kind, table in self._tables.items()}

    def __len__(self) -> int:
        return self._n

    def __iter__(self) -> Iterator[Part]:
        return (self[i] for i in range(self._n))

    def __getitem__(self, i: int) -> Part:
        if not 0 <= i < self._n:
            raise IndexError(f"part {i} of {self._n}")
        tables = {kind: self._cut(kind, i) for kind in self._by_part}
        tables["students"] = _named_by(tables["sessions"], self.dataset.tables["students"])
        tables |= {kind: self.dataset.tables[kind] for kind in KINDS if kind not in tables}
        return Part(Dataset(tables, self.dataset.attributes, self.dataset.departures_given), self._rows("sessions", i))

    def _rows(self, kind: str, i: int) -> Ints:
        order, starts = self._by_part[kind]
        return order[starts[i] : starts[i + 1]]

    def _cut(self, kind: str, i: int) -> pa.Table:
        return self._tables[kind].take(pa.array(self._rows(kind, i)))

    def _grouped(self, table: pa.Table) -> tuple[Ints, Ints]:
        ids = array(table["tutor_id"]).dictionary_encode()
        part_of = np.array([crc32(str(name).encode()) % self._n for name in ids.dictionary.to_pylist()], np.int64)
        order, starts = group(np.append(part_of, 0)[codes(ids.indices)], self._n)
        return order, starts


def partition(dataset: Dataset, n: int = 0) -> Partition:
    """Divide a dataset into n parts, or into a number that suits its size if n is 0."""
    return Partition(dataset, n or -(-dataset.tables["sessions"].num_rows // SESSIONS_A_PART) or 1)


def compute_by_parts(features: Sequence[Feature], parts: Partition, priors: Priors, workers: int) -> Matrix:
    """Matrix (sessions, features) of `catalogue.compute` for every session as of its early-warning moment.

    `workers` threads compute parts in parallel: the kernels and Arrow release the GIL.
    """
    n_sessions = parts.dataset.tables["sessions"].num_rows
    matrix = np.empty((n_sessions, len(features)), dtype=np.float32, order="F")

    def fill(i: int) -> None:
        part = parts[i]
        history = History(part.dataset)
        columns = compute(features, Past(history, of_sessions(history.sessions), priors))
        for column in range(len(features)):
            matrix[part.rows, column] = columns[:, column]

    _in_threads(fill, len(parts), workers)
    return matrix


def estimate_by_parts(parts: Partition, before: int, workers: int) -> Priors:
    """Priors of the whole marketplace, equal to those of `estimate_priors`, from the counts of each part."""
    return priors_of(_in_threads(lambda i: prior_counts(History(parts[i].dataset), before), len(parts), workers))


def _in_threads(work: Callable[[int], T], n: int, workers: int) -> list[T]:
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, range(n)))


def _named_by(sessions: pa.Table, students: pa.Table) -> pa.Table:
    return students.filter(pc.is_in(students["student_id"], value_set=array(pc.unique(sessions["student_id"]))))
