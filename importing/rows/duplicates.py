"""Duplicate keys: identical repeats, and rows that differ."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

GROUP_HINT = "; for a group session with one row per student write `per: student` under `sessions`"


class Repeats(NamedTuple):
    """Rows with a repeated key, and for each the first row with that key. Both are (n,) indices."""

    rows: NDArray[np.int64]
    first: NDArray[np.int64]


def repeats(keys: pa.ChunkedArray) -> Repeats:
    """Find repeated keys."""
    if len(pc.unique(keys)) == len(keys):
        return Repeats(np.zeros(0, np.int64), np.zeros(0, np.int64))
    codes = np.asarray(keys.combine_chunks().dictionary_encode().indices)
    _, first = np.unique(codes, return_index=True)  # codes are numbered 0.. without gaps
    origin = first[codes]
    rows = np.flatnonzero(origin != np.arange(codes.size))
    return Repeats(rows, origin[rows])


def first_difference(table: pa.Table, repeated: Repeats) -> list[str | None]:
    """For each repeat, the first column in which it differs from the first row; None for identical rows."""
    differing: list[str | None] = [None] * repeated.rows.size
    for name in reversed(table.column_names):
        again, before = (table[name].take(pa.array(rows)) for rows in repeated)
        same = pc.fill_null(pc.equal(again, before), False)
        both_empty = pc.and_(pc.is_null(again), pc.is_null(before))
        for place in np.flatnonzero(~np.array(pc.or_(same, both_empty), bool)):
            differing[place] = name
    return differing
