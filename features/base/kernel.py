"""Compiled kernel: grouping of events by owner, and the position of a moment among an owner's events.

Every windowed feature is the difference of prefix sums at two of these positions.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from features.base.array_types import Flags, Ints, Values


@njit(cache=True, nogil=True)
def group(owners: Ints, n_owners: int) -> tuple[Ints, Ints]:
    """Stable counting sort by owner.

    Takes owner codes (n,), negative for none. Returns (order, starts): the indices of owned events by owner, in
    their original order within an owner, and the start of each owner's run, (n_owners + 1,).
    """
    starts = np.zeros(n_owners + 1, dtype=np.int64)
    for owner in owners:
        if owner >= 0:
            starts[owner + 1] += 1
    for i in range(n_owners):
        starts[i + 1] += starts[i]
    free = starts[:-1].copy()
    order = np.empty(starts[-1], dtype=np.int64)
    for i in range(owners.size):
        owner = owners[i]
        if owner >= 0:
            order[free[owner]] = i
            free[owner] += 1
    return order, starts


@njit(cache=True, nogil=True)
def positions(starts: Ints, known: Ints, owners: Ints, moments: Ints) -> Ints:
    """Index of the owner's first event known at or after the moment, for each (owner, moment).

    `known` is sorted within each owner's run. An owner of -1 has no events: its position is always 0. Each search
    starts at the owner's previous position, so moments in ascending order take one or two steps.
    """
    indices = np.zeros(owners.size, dtype=np.int64)
    last = starts[:-1].copy()
    for i in range(owners.size):
        owner = owners[i]
        if owner >= 0:
            low, high = _bracket(known, starts[owner], starts[owner + 1], last[owner], moments[i])
            while low < high:
                middle = (low + high) // 2
                if known[middle] < moments[i]:
                    low = middle + 1
                else:
                    high = middle
            indices[i] = last[owner] = low
    return indices


@njit(cache=True, nogil=True)
def _bracket(known: Ints, first: int, end: int, near: int, moment: int) -> tuple[int, int]:
    """Bounds within first..end of the moment's position, by doubling steps from `near` (Bentley and Yao 1976)."""
    step = 1
    if near < end and known[near] < moment:
        low = near + 1
        while low + step <= end and known[low + step - 1] < moment:
            low += step
            step *= 2
        return low, min(low + step - 1, end)
    high = near
    while high - step >= first and known[high - step] >= moment:
        high -= step
        step *= 2
    return max(high - step + 1, first), high


@njit(cache=True, nogil=True)
def running_sums(values: NDArray[Any], order: Ints, sums: NDArray[Any]) -> NDArray[Any]:
    """Write prefix sums of `values` in `order` into `sums`, zeros (order + 1,) of the result type."""
    for i in range(order.size):
        sums[i + 1] = sums[i] + values[order[i]]
    return sums


@njit(cache=True, nogil=True)
def differences(sums: NDArray[Any], begins: Ints, ends: Ints) -> Values:
    """Sums between pairs of positions of prefix sums: (positions,)."""
    results = np.empty(ends.size, dtype=np.float64)
    for i in range(ends.size):
        results[i] = sums[ends[i]] - sums[begins[i]]
    return results


@njit(cache=True, nogil=True)
def since_last(known: Ints, begins: Ints, ends: Ints, moments: Ints) -> Values:
    """Microseconds from the last event between two positions to the moment, NaN without one: (positions,)."""
    elapsed = np.full(ends.size, np.nan)
    for i in range(ends.size):
        if ends[i] > begins[i]:
            elapsed[i] = moments[i] - known[ends[i] - 1]
    return elapsed


@njit(cache=True, nogil=True)
def mean_gaps(known: Ints, begins: Ints, ends: Ints) -> Values:
    """Mean microseconds between the events of two positions, NaN for fewer than two events: (positions,)."""
    means = np.full(ends.size, np.nan)
    for i in range(ends.size):
        gaps = ends[i] - begins[i] - 1
        if gaps > 0:
            means[i] = (known[ends[i] - 1] - known[begins[i]]) / gaps
    return means


@njit(cache=True, nogil=True)
def runs(starts: Ints, counted: Flags, breaks: Flags) -> NDArray[np.int32]:
    """Number of counted events of the owner since the last one that broke the run, after each event: (events,)."""
    lengths = np.empty(counted.size, dtype=np.int32)
    for owner in range(starts.size - 1):
        run = 0
        for i in range(starts[owner], starts[owner + 1]):
            run = 0 if breaks[i] else run + counted[i]
            lengths[i] = run
    return lengths


@njit(cache=True, nogil=True)
def latest(values: NDArray[Any], begins: Ints, ends: Ints) -> Values:
    """Value of the last event between two positions, NaN without one: (positions,)."""
    last_values = np.full(ends.size, np.nan)
    for i in range(ends.size):
        if ends[i] > begins[i]:
            last_values[i] = values[ends[i] - 1]
    return last_values


@njit(cache=True, nogil=True)
def centred_times(counts: NDArray[Any], times: Ints, begins: Ints, ends: Ints, moments: Ints, span: int) -> Ints:
    """Sum of (time - middle of the window) over the counted events of each window: (positions,) microseconds.

    `counts` and `times` are prefix sums of 0/1 flags and of times. The sums of times overflow and wrap around; their
    differences modulo 2**64 are correct.
    """
    results = np.empty(ends.size, dtype=np.int64)
    for i in range(ends.size):
        n = np.int64(counts[ends[i]]) - np.int64(counts[begins[i]])
        results[i] = times[ends[i]] - times[begins[i]] - n * (moments[i] - span // 2)
    return results


@njit(cache=True, nogil=True)
def put_rows(matrix: NDArray[Any], rows: Ints, values: NDArray[Any]) -> None:
    """Write `values` (rows, columns) into the rows of a matrix (n, columns)."""
    for i in range(rows.size):
        for j in range(values.shape[1]):
            matrix[rows[i], j] = values[i, j]
