"""Parser of PostgreSQL's binary COPY into Arrow columns, several times faster than text at both ends.

The format: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format". A row is the number of its fields
(two bytes), and each field its length (four bytes, -1 for null) and its bytes, all big-endian.
"""

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Places = NDArray[np.int64]

_HEADER = 19
"""Eleven bytes of signature, four of flags, and four for the length of an unused extension."""

_ROWS_A_CHUNK = 100_000
"""A chunk of Arrow text is limited to 2**31 bytes."""

_EPOCH = 946_684_800_000_000
"""Microseconds from 1970 to 2000, PostgreSQL's epoch."""


def table_of(sent: Bytes, schema: pa.Schema) -> pa.Table:
    """Table from a binary COPY of text, timestamptz and double precision, in the columns of `schema`."""
    places = _places(sent, len(schema))
    starts = range(0, places.shape[2], _ROWS_A_CHUNK) or (0,)
    chunks = [_batch(sent, places[:, :, start : start + _ROWS_A_CHUNK], schema) for start in starts]
    return pa.Table.from_batches(chunks, schema)


def _batch(sent: Bytes, places: Places, schema: pa.Schema) -> pa.RecordBatch:
    columns = [_column(sent, places[i], field.type) for i, field in enumerate(schema)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _places(sent: Bytes, n_fields: int) -> Places:
    """Begin and end of the bytes of each value, (fields, 2, rows); an end before its begin is a null."""
    places = np.empty((n_fields, 2, sent.size // (2 + 4 * n_fields)), np.int64)
    return places[:, :, : _find(sent, places)]


def _column(sent: Bytes, places: Places, kind: pa.DataType) -> pa.Array:
    begins, ends = places
    valid = np.zeros(-(-begins.size // 8), np.uint8)
    nulls = _mark(begins, ends, valid)
    validity = pa.py_buffer(valid) if nulls else None
    if pa.types.is_string(kind):
        offsets = np.empty(begins.size + 1, np.int32)
        text = np.empty(_offsets(begins, ends, offsets), np.uint8)
        _gather(sent, begins, ends, text)
        buffers = [validity, pa.py_buffer(offsets), pa.py_buffer(text)]
    else:
        numbers = np.empty(begins.size, np.int64)
        _numbers(sent, begins, ends, numbers, _EPOCH if pa.types.is_timestamp(kind) else 0)
        buffers = [validity, pa.py_buffer(numbers)]
    return pa.Array.from_buffers(kind, begins.size, buffers, nulls)


@njit(cache=True, nogil=True)
def _find(sent: Bytes, places: Places) -> int:
    """Fill in `places`. Returns the number of rows."""
    at, row = np.int64(_HEADER), 0
    while at + 2 <= sent.size and sent[at] < 128:  # the trailer counts -1 fields
        at += 2
        for field in range(places.shape[0]):
            size = (np.int64(sent[at]) << 24) | (np.int64(sent[at + 1]) << 16)
            size |= (np.int64(sent[at + 2]) << 8) | np.int64(sent[at + 3])
            at += 4
            places[field, 0, row] = at
            if size >= 1 << 31:
                places[field, 1, row] = -1
            else:
                at += size
                places[field, 1, row] = at
        row += 1
    return row


@njit(cache=True, nogil=True)
def _mark(begins: Places, ends: Places, valid: Bytes) -> int:
    """Set Arrow's validity bit of every value. Returns the number of nulls."""
    nulls = 0
    for i in range(begins.size):
        if ends[i] >= begins[i]:
            valid[i >> 3] |= np.uint8(1 << (i & 7))
        else:
            nulls += 1
    return nulls


@njit(cache=True, nogil=True)
def _numbers(sent: Bytes, begins: Places, ends: Places, numbers: Places, epoch: int) -> None:
    """Read eight bytes each as an integer, plus the epoch; 0 for null."""
    for i in range(begins.size):
        numbers[i] = epoch if ends[i] >= begins[i] else 0
        value = np.int64(0)
        for at in range(begins[i], ends[i]):
            value = (value << np.int64(8)) | np.int64(sent[at])
        numbers[i] += value


@njit(cache=True, nogil=True)
def _offsets(begins: Places, ends: Places, offsets: NDArray[np.int32]) -> int:
    """Fill in the begin of each text. Returns the total length."""
    total = 0
    for i in range(begins.size):
        offsets[i] = total
        total += max(ends[i] - begins[i], 0)
    offsets[begins.size] = total
    return total


@njit(cache=True, nogil=True)
def _gather(sent: Bytes, begins: Places, ends: Places, text: Bytes) -> None:
    """Concatenate the texts."""
    free = 0
    for i in range(begins.size):
        for at in range(begins[i], ends[i]):
            text[free] = sent[at]
            free += 1
