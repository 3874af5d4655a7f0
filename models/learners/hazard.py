"""Discrete-time hazard of leaving: the probability of leaving in each period, given staying until it began.

One model yields the probability of leaving by the end of any period. Source: Singer and Willett 1993, Journal of
Educational Statistics 18:155; Allison 1982, Sociological Methodology 13:61.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from features.base.array_types import Ints
from features.base.stream import MICROSECONDS_A_DAY
from features.history.history import MISSING

PERIODS = (0, 7, 14, 30, 60, 90)
"""Days after the as-of moment at which one period ends and the next begins."""

COLUMN = "period"
"""Name of the column with the period of an example."""


@dataclass(frozen=True)
class PersonPeriods:
    """Examples, one for each row and fully observed period: (examples,) each.

    `row` is the index of the row, `known_at` the end of the period (UTC microseconds). `censored` counts the rows
    without departure whose observation ended before the last period: only their observed periods are included.
    """

    row: Ints
    period: NDArray[np.int8]
    label: NDArray[np.float64]
    known_at: Ints
    censored: int


def person_periods(as_of: Ints, leaves_at: Ints, periods: Sequence[int], known_before: int) -> PersonPeriods:
    """Returns the periods of each row that ended by `known_before`, up to and including that of the departure.

    `as_of` and `leaves_at` (rows,) are in UTC microseconds, MISSING without a known departure. An unfinished period is
    excluded entirely: keeping only its departures so far would raise the hazard.
    """
    staying = leaves_at == MISSING
    parts = []
    for period, (begin, end) in enumerate(pairwise(periods)):
        begins, ends = as_of + begin * MICROSECONDS_A_DAY, as_of + end * MICROSECONDS_A_DAY
        row = np.flatnonzero((staying | (leaves_at >= begins)) & (ends <= known_before))
        label = ~staying[row] & (leaves_at[row] < ends[row])
        parts.append((row, np.full(row.size, period, np.int8), label.astype(np.float64), ends[row]))
    row, number, label, known_at = (np.concatenate(column) for column in zip(*parts, strict=True))
    last = as_of + periods[-1] * MICROSECONDS_A_DAY
    gone = np.zeros(as_of.size, dtype=np.bool_)
    gone[row[label > 0]] = True
    censored = int((~gone & (last > known_before)).sum())
    return PersonPeriods(row, number, label, known_at, censored)


def with_period(matrix: NDArray[np.float32], period: NDArray[np.int8] | int) -> NDArray[np.float32]:
    """Returns the matrix (rows, columns) with the period of each row as last column: (rows, columns + 1)."""
    column = np.broadcast_to(np.asarray(period, dtype=np.float32), len(matrix))
    return np.asfortranarray(np.column_stack([matrix, column]))


def periods_within(periods: Sequence[int], days: int) -> int:
    """Returns the number of periods that end within `days`. Raises ValueError where no period ends at `days`."""
    if days not in periods[1:]:
        raise ValueError(f"no period ends after {days} days, only after {', '.join(map(str, periods[1:]))}")
    return list(periods).index(days)


def leaves_within(hazards: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the probability of leaving (rows,): 1 - the product of 1 - hazards (rows, periods)."""
    return np.asarray(-np.expm1(np.log1p(-np.minimum(hazards, 1 - 1e-12)).sum(axis=1)))
