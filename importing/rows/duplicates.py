"""Rows whose key stands twice: the same again, or something else."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

GROUP_HINT = "; for a group session with one row a student write `per: student` under `sessions`"


class Repeats(NamedTuple):
    """Rows whose key stood before, and for each the row where it stood first. Both (n,) indices."""

    rows: NDArray[np.int64]
    first: NDArray[np.int64]


def repeats(keys: pa.ChunkedArray) -> Repeats:
    """Find the keys that stand more than once."""
    if len(pc.unique(keys)) == len(keys):
        return Repeats(np.zeros(0, np.int64), np.zeros(0, np.int64))
    codes = np.asarray(keys.combine_chunks().dictionary_encode().indices)
    _, first = np.unique(codes, return_index=True)  # codes are numbered 0.. without gaps
    origin = first[codes]
    rows = np.flatnonzero(origin != np.arange(codes.size))
    return Repeats(rows, origin[rows])


def first_difference(table: pa.Table, found: Repeats) -> list[str | None]:
    """For each repeat the first column in which it differs from the row before it, None where it is the same."""
    differing: list[str | None] = [None] * found.rows.size
    for name in reversed(table.column_names):
        again, before = (table[name].take(pa.array(rows)) for rows in found)
        same = pc.fill_null(pc.equal(again, before), False)
        both_empty = pc.and_(pc.is_null(again), pc.is_null(before))
        for place in np.flatnonzero(~np.array(pc.or_(same, both_empty), bool)):
            differing[place] = name
    return differing
