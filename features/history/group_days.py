"""Held and missed sessions of each value of a group, counted by day.

A query reads whole UTC days before its own, so that a small table of counts serves it exactly as the whole history does
(ADR 34).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.horizons import HELD_OR_MISSED
from domain.vocabulary import SessionStatus
from features.base.array_types import Ints
from features.base.arrays import MISSING, array, codes
from features.base.dataset import Group
from features.base.sessions import SessionColumns
from features.base.stream import MICROSECONDS_A_DAY, Stream

DAY_COUNTS = pa.schema([(name, pa.float64()) for name in ("day", "missed", "labelled")]).insert(
    0, pa.field("value", pa.string())
)
"""Counts of a value and the UTC day (since 1970) on which the outcomes became known, all whole numbers."""


@dataclass(frozen=True)
class GroupDays:
    """Counts of a group (DAY_COUNTS), and the stream of its days by value: sums `missed` and `labelled`."""

    counts: pa.Table
    values: pa.Array
    stream: Stream

    @classmethod
    def of(cls, counts: pa.Table) -> "GroupDays":
        """Build from counts in the schema DAY_COUNTS, in any order."""
        counts = counts.sort_by("day")
        values = array(counts["value"]).dictionary_encode()
        totals = {name: np.asarray(counts[name]).astype(np.int64) for name in ("missed", "labelled")}
        days = np.asarray(counts["day"]).astype(np.int64) * MICROSECONDS_A_DAY
        owners = codes(values.indices)
        return cls(counts, values.dictionary, Stream.build(owners, days, len(values.dictionary), totals))

    def codes(self, values: pa.Array) -> Ints:
        """Owners of values (n,) in the stream, -1 for a value without a finished session."""
        if len(values) < len(self.values):  # the request of one tutor, to which all values need not be hashed again
            return np.array([self._code_of.get(value, -1) for value in values.to_pylist()], np.int64)
        return codes(pc.index_in(values, self.values))

    @cached_property
    def _code_of(self) -> dict[str, int]:
        return {value: code for code, value in enumerate(self.values.to_pylist())}


ReadGroupDays = Callable[[Group], GroupDays]
"""Returns the days of a group in the whole marketplace."""


def count_days(sessions: SessionColumns, values: pa.Array) -> pa.Table:
    """Count the held and missed sessions by value (sessions,) and day; those without a value are left out."""
    rows = np.flatnonzero(sessions.is_in(HELD_OR_MISSED) & (sessions.known_at != MISSING) & (sessions.tutor >= 0))
    missed = sessions.is_in({SessionStatus.NO_SHOW})[rows].astype(np.float64)
    days = (sessions.known_at[rows] // MICROSECONDS_A_DAY).astype(np.float64)
    outcomes = pa.table([values.take(pa.array(rows)), days, missed, np.ones(rows.size)], schema=DAY_COUNTS)
    known = outcomes.filter(pc.is_valid(outcomes["value"]))
    totals = known.group_by(["value", "day"]).aggregate([("missed", "sum"), ("labelled", "sum")])
    return totals.select(["value", "day", "missed_sum", "labelled_sum"]).rename_columns(DAY_COUNTS.names)
