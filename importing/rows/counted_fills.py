"""Times filled from another time and a number of days, hours or minutes in a column."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from importing.files.parsing import Signs, kept, parse_number
from importing.format.expressions import LONGEST, CountedShift
from importing.rows.columns import Column

_REASON = "not a number whose span is at most a hundred years"


def counted_fill(fill: CountedShift, time: Column, numbers: pa.ChunkedArray, signs: Signs) -> Column:
    """The time field shifted by the numbers of a column; empty where either is empty."""
    unit, longest = (span // timedelta(microseconds=1) for span in (fill.unit, LONGEST))
    parsed = parse_number(numbers, signs)
    counts, too_far = kept(parsed.values, np.abs(np.asarray(pc.fill_null(parsed.values, 0.0))) <= longest / abs(unit))
    shifts = pc.round(pc.multiply(counts, float(unit))).cast(pa.int64()).cast(pa.duration("us"))
    values, unreadable = pc.add(time.values, shifts), parsed.unreadable | too_far
    if time.unreadable.any() and not unreadable.any():
        return Column(time.source, time.raw, values, time.unreadable, time.reason)
    return Column(fill.column, numbers, values, unreadable, _REASON)


def filled_where_empty(column: Column | None, fill: Column) -> Column:
    """A column with its empty values filled; a value of the fill that cannot be read is unreadable."""
    if column is None:
        return fill
    empty = np.array(pc.is_null(column.values), bool) & ~column.unreadable
    unreadable = empty & fill.unreadable
    kept_own = column if not unreadable.any() else fill
    values = pc.coalesce(column.values, fill.values)
    return Column(kept_own.source, kept_own.raw, values, column.unreadable | unreadable, kept_own.reason)
