"""Conversion of Arrow columns to NumPy arrays."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.base.array_types import Flags, Ints, Values

MISSING = np.iinfo(np.int64).min
"""An unknown time, in int64 microseconds."""


def array(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """Combine the column into one contiguous array."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def microseconds(times: pa.ChunkedArray | pa.Array) -> Ints:
    """Times as int64 UTC microseconds, MISSING for null: (n,)."""
    return np.asarray(_filled(array(times).view(pa.int64()), int(MISSING)).to_numpy())


def codes(indices: pa.Array | pa.ChunkedArray) -> Ints:
    """Indices as int64, -1 for null: (n,)."""
    return np.asarray(_filled(pc.cast(indices, pa.int64()), -1).to_numpy())


def index_in(column: pa.ChunkedArray | pa.Array, values: pa.Array) -> Ints:
    """Positions of texts or numbers in `values`, -1 for null and others: (n,). A dictionary is looked up once."""
    column = array(column)
    if isinstance(column, pa.DictionaryArray):
        return np.append(codes(pc.index_in(column.dictionary, values)), -1)[codes(column.indices)]
    return codes(pc.index_in(column, values))


def floats(column: pa.ChunkedArray) -> Values:
    """Numbers, NaN for null: (n,)."""
    return np.asarray(_filled(column, float("nan")).to_numpy())


def equals(column: pa.ChunkedArray, value: str) -> Flags:
    """True where a text equals the value, false for null: (n,)."""
    column = array(column)
    if isinstance(column, pa.DictionaryArray):
        return np.asarray(index_in(column, pa.array([value])) == 0)
    return np.asarray(array(_filled(pc.equal(column, value), False)).to_numpy(zero_copy_only=False))


def present(column: pa.ChunkedArray) -> Flags:
    """True where a value is not null: (n,)."""
    return np.asarray(array(pc.is_valid(column)).to_numpy(zero_copy_only=False))


def _filled(column: pa.ChunkedArray | pa.Array, value: float) -> pa.ChunkedArray | pa.Array:
    # Without nulls the call changes nothing, and its overhead is noticeable in a single request.
    return pc.fill_null(column, value) if column.null_count else column
