"""Events of one sort, by owner, in the order in which they became known."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.kernel import Ints, differences, group, positions, running_sums, since_last

Column = NDArray[np.float64]

MICROSECONDS_A_DAY = 86_400_000_000
MICROSECONDS_AN_HOUR = 3_600_000_000
_GRID = 2.0**22


@dataclass(frozen=True)
class Stream:
    """Events of n owners: `starts` (n + 1,) bounds each owner's run in `known` (events,), microseconds, ascending.

    `sums` holds prefix sums (events + 1,) of what is counted, by name.
    """

    starts: Ints
    known: Ints
    sums: Mapping[str, NDArray[np.generic]]

    @classmethod
    def build(cls, owners: Ints, known: Ints, n_owners: int, values: Mapping[str, NDArray[np.generic]]) -> "Stream":
        """From events already ascending in `known`; `owners` may hold -1 for events that belong to nobody."""
        order, starts = group(owners, n_owners)
        return cls(starts, known[order], {name: _prefix_sums(value, order) for name, value in values.items()})


@dataclass(frozen=True)
class StreamView:
    """One stream as the queries see it: only what was known strictly before each query's moment."""

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
        """Events known in the `days` before each query, or ever: (queries,)."""
        return np.subtract(self._ends, self._begin(days), dtype=np.float64)

    def total(self, name: str, days: int | None = None) -> Column:
        """The sum of a value over those events: (queries,)."""
        return np.asarray(differences(self.stream.sums[name], self._begin(days), self._ends))

    def hours_since_last(self) -> Column:
        """Hours from the latest known event to the query, NaN where there is none: (queries,)."""
        since = since_last(self.stream.known, self._begin(None), self._ends, self.as_of)
        return np.asarray(since / MICROSECONDS_AN_HOUR)


def _prefix_sums(values: NDArray[np.generic], order: Ints) -> NDArray[np.generic]:
    if values.dtype.kind == "b":
        return np.asarray(running_sums(values, order, np.zeros(order.size + 1, dtype=np.int32)))
    # On a grid of 2**-22 float64 sums are exact, so a tutor's value does not depend on who else is in the stream.
    exact = np.round(values.astype(np.float64) * _GRID) / _GRID
    return np.asarray(running_sums(exact, order, np.zeros(order.size + 1)))
