"""The compiled core: group events by owner, and find where a moment falls among an owner's events.

Every windowed feature is two of these positions and a difference of prefix sums.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from features.base.array_types import Flags, Ints, Values


@njit(cache=True, nogil=True)
def group(owners: Ints, n_owners: int) -> tuple[Ints, Ints]:
    """Stable counting sort by owner.

    Takes owner codes of shape (n,), negative for none; gives (order, starts): the indices of owned events by
    owner, in their given order within one, and where each owner's run begins, shape (n_owners + 1,).
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
    """For each (owner, moment), the index of the owner's first event known at or after the moment.

    `known` is sorted within each owner's run. An owner of -1 has no events: its position is 0 for every moment.
    Each search starts where the owner's last one ended, so moments in rising order cost a step or two.
    """
    found = np.zeros(owners.size, dtype=np.int64)
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
            found[i] = last[owner] = low
    return found


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
    """Prefix sums of `values` taken in `order`, into zeros (order + 1,) of the wanted type."""
    for i in range(order.size):
        sums[i + 1] = sums[i] + values[order[i]]
    return sums


@njit(cache=True, nogil=True)
def differences(sums: NDArray[Any], begins: Ints, ends: Ints) -> Values:
    """The sum between two positions of prefix sums: (positions,)."""
    found = np.empty(ends.size, dtype=np.float64)
    for i in range(ends.size):
        found[i] = sums[ends[i]] - sums[begins[i]]
    return found


@njit(cache=True, nogil=True)
def since_last(known: Ints, begins: Ints, ends: Ints, moments: Ints) -> Values:
    """Microseconds from the last event between two positions to the moment, NaN where there is none: (positions,)."""
    found = np.full(ends.size, np.nan)
    for i in range(ends.size):
        if ends[i] > begins[i]:
            found[i] = moments[i] - known[ends[i] - 1]
    return found


@njit(cache=True, nogil=True)
def usual_gaps(known: Ints, begins: Ints, ends: Ints) -> Values:
    """Mean microseconds between the events of two positions, NaN for fewer than two events: (positions,)."""
    found = np.full(ends.size, np.nan)
    for i in range(ends.size):
        gaps = ends[i] - begins[i] - 1
        if gaps > 0:
            found[i] = (known[ends[i] - 1] - known[begins[i]]) / gaps
    return found


@njit(cache=True, nogil=True)
def runs(starts: Ints, counted: Flags, breaks: Flags) -> NDArray[np.int32]:
    """After each event, how many of its owner's events were counted since the last that broke the run: (events,)."""
    found = np.empty(counted.size, dtype=np.int32)
    for owner in range(starts.size - 1):
        run = 0
        for i in range(starts[owner], starts[owner + 1]):
            run = 0 if breaks[i] else run + counted[i]
            found[i] = run
    return found


@njit(cache=True, nogil=True)
def latest(values: NDArray[Any], begins: Ints, ends: Ints) -> Values:
    """The value of the last event between two positions, NaN where there is none: (positions,)."""
    found = np.full(ends.size, np.nan)
    for i in range(ends.size):
        if ends[i] > begins[i]:
            found[i] = values[ends[i] - 1]
    return found


@njit(cache=True, nogil=True)
def centred_times(counts: NDArray[Any], times: Ints, begins: Ints, ends: Ints, moments: Ints, span: int) -> Ints:
    """The sum of (time - middle of the window) over the counted events of each window: (positions,) microseconds.

    `counts` and `times` are prefix sums of how many events count and of their times. The latter wrap around; their
    differences, taken modulo 2**64, are right again.
    """
    found = np.empty(ends.size, dtype=np.int64)
    for i in range(ends.size):
        n = np.int64(counts[ends[i]]) - np.int64(counts[begins[i]])
        found[i] = times[ends[i]] - times[begins[i]] - n * (moments[i] - span // 2)
    return found
