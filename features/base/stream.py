"""Streams: events of one kind by owner, in the order in which they became known."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.base.array_types import Column, Ints, NamedArrays
from features.base.kernel import (
    centred_times,
    differences,
    group,
    latest,
    mean_gaps,
    positions,
    running_sums,
    since_last,
)

MICROSECONDS_A_DAY = 86_400_000_000
MICROSECONDS_AN_HOUR = 3_600_000_000
_GRID = 2.0**22


class PrefixSums:
    """Prefix sums (events + 1,) of values by name, in an order of the events; computed at first use."""

    def __init__(self, values: NamedArrays, order: Ints) -> None:
        self.values, self._order = values, order
        self._sums: dict[str, NDArray[np.generic]] = {}

    def __getitem__(self, name: str) -> NDArray[np.generic]:
        if name not in self._sums:
            self._sums[name] = _prefix_sums(self.values[name], self._order)
        return self._sums[name]

    def in_order(self, name: str) -> NDArray[np.generic]:
        """Values in the order of the events: (events,)."""
        return np.asarray(self.values[name][self._order])


@dataclass(frozen=True)
class Stream:
    """Events of n owners: `starts` (n + 1,) bounds each owner's run in `known` (events,).

    `known` is in microseconds, ascending within a run. `sums` holds the prefix sums of the values by name.
    """

    starts: Ints
    known: Ints
    sums: PrefixSums

    @classmethod
    def build(cls, owners: Ints, known: Ints, n_owners: int, values: NamedArrays) -> "Stream":
        """Build from events in ascending order of `known`; an owner of -1 drops the event."""
        order, starts = group(owners, n_owners)
        return cls(starts, known[order], PrefixSums(values, order))


@dataclass(frozen=True)
class StreamView:
    """A stream as of each query: only events known strictly before the query's moment."""

    stream: Stream
    owners: Ints
    as_of: Ints

    @cached_property
    def _ends(self) -> Ints:
        return self._positions(self.as_of)

    @cached_property
    def _begins(self) -> dict[int, Ints]:
        return {}

    def _positions(self, moments: Ints) -> Ints:
        return np.asarray(positions(self.stream.starts, self.stream.known, self.owners, moments))

    def _begin(self, days: int | None) -> Ints:
        key = days or 0
        if key not in self._begins:
            self._begins[key] = (
                self._positions(self.as_of - days * MICROSECONDS_A_DAY)
                if days
                else np.where(self.owners >= 0, self.stream.starts[self.owners], 0)
            )
        return self._begins[key]

    def count(self, days: int | None = None) -> Column:
        """Number of events known in the `days` before each query, or at any time before it: (queries,)."""
        return np.subtract(self._ends, self._begin(days), dtype=np.float64)

    def total(self, name: str, days: int | None = None) -> Column:
        """Sum of a value over those events: (queries,)."""
        return np.asarray(differences(self.stream.sums[name], self._begin(days), self._ends))

    def hours_since_last(self) -> Column:
        """Hours from the latest known event to the query, NaN without one: (queries,)."""
        since = since_last(self.stream.known, self._begin(None), self._ends, self.as_of)
        return np.asarray(since / MICROSECONDS_AN_HOUR)

    def mean_gap_hours(self, days: int) -> Column:
        """Mean hours between the events known in the `days` before each query, NaN for fewer than two: (queries,)."""
        gaps = mean_gaps(self.stream.known, self._begin(days), self._ends)
        return np.asarray(gaps / MICROSECONDS_AN_HOUR)

    def latest(self, values: NDArray[np.generic]) -> Column:
        """Value at the latest known event, NaN without one: (queries,). `values` is (events of the stream,)."""
        return np.asarray(latest(values, self._begin(None), self._ends))

    def weekly_slope(self, count: str, times: str, weeks: int) -> Column:
        """Least-squares slope of weekly events over the last `weeks`, in weekly events per week: (queries,).

        Projects the event rate on the linear Legendre polynomial of the window of length L (Abramowitz and Stegun 1964,
        22.2.10): 12 / L**3 * sum(time - middle). NaN where the owner has no event before the window, because then the
        window is not fully observed. `count` and `times` name 0/1 values and times.
        """
        days = 7 * weeks
        begins, span = self._begin(days), days * MICROSECONDS_A_DAY
        sums = self.stream.sums
        centred = centred_times(sums[count], sums[times], begins, self._ends, self.as_of, span)
        slope = centred * (12 / (weeks**3 * 7 * MICROSECONDS_A_DAY))
        # The window is fully observed if an event was known at or before its start.
        first = self._begin(None)
        observed = (self.owners >= 0) & (self._ends > first)
        observed[observed] = self.stream.known[first[observed]] <= (self.as_of - span)[observed]
        return np.where(observed, slope, np.nan)


def ratio(numerator: Column, denominator: Column) -> Column:
    """One column divided by another, NaN where the denominator is zero or NaN: (rows,)."""
    quotient = np.full(numerator.size, np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator > 0)
    return quotient


def weekly_change(recent: Column, days: int, baseline: Column, baseline_days: int) -> Column:
    """Rate of events in the last `days` divided by that in the last `baseline_days`: (rows,). Takes counts."""
    return ratio(recent * (baseline_days / days), baseline)


def _prefix_sums(values: NDArray[np.generic], order: Ints) -> NDArray[np.generic]:
    if values.dtype.kind == "b":
        return np.asarray(running_sums(values, order, np.zeros(order.size + 1, dtype=np.int32)))
    if values.dtype.kind == "i":  # sums that overflow wrap around, and their differences are correct again
        return np.asarray(running_sums(values, order, np.zeros(order.size + 1, dtype=np.int64)))
    # On a grid of 2**-22 float64 sums are exact, so a tutor's value does not depend on the other tutors in the stream.
    exact = np.round(values.astype(np.float64) * _GRID) / _GRID
    return np.asarray(running_sums(exact, order, np.zeros(order.size + 1)))
