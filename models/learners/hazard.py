"""Leaving as a discrete-time hazard: the chance of leaving in each period, for those who stayed until it began.

One model gives the probability of leaving within any of the periods' ends. Source: Singer and Willett 1993, Journal of
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
"""Days after the moment of asking at which one period ends and the next begins."""

COLUMN = "period"
"""Name of the column that tells which period an example is about."""


@dataclass(frozen=True)
class PersonPeriods:
    """Examples, one a row and period watched from begin to end: (examples,) each.

    `row` is the place of the row asked about, `known_at` the period's end (UTC microseconds). `censored` counts the
    rows that had not left when the watching ended before the last period: they stand in the periods that were watched.
    """

    row: Ints
    period: NDArray[np.int8]
    label: NDArray[np.float64]
    known_at: Ints
    censored: int


def person_periods(as_of: Ints, leaves_at: Ints, periods: Sequence[int], known_before: int) -> PersonPeriods:
    """The periods of each row that ended by `known_before`, up to and including the one in which the tutor left.

    `as_of` and `leaves_at` (rows,) in UTC microseconds; MISSING for tutors not seen to leave. A period that was still
    running is left out whole: to keep only those who left in it so far would raise the hazard.
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
    """The matrix (rows, columns) with the period of each row as its last column: (rows, columns + 1)."""
    column = np.broadcast_to(np.asarray(period, dtype=np.float32), len(matrix))
    return np.asfortranarray(np.column_stack([matrix, column]))


def periods_within(periods: Sequence[int], days: int) -> int:
    """How many periods end within so many days. Raises ValueError for days at which no period ends."""
    if days not in periods[1:]:
        raise ValueError(f"no period ends after {days} days, only after {', '.join(map(str, periods[1:]))}")
    return list(periods).index(days)


def leaves_within(hazards: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 - the product of staying through each period: hazards (rows, periods) to probabilities (rows,)."""
    return np.asarray(-np.expm1(np.log1p(-np.minimum(hazards, 1 - 1e-12)).sum(axis=1)))
