"""Values of an attribute that name nobody: those that several tutors share."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

LEAST_TUTORS = 5
"""Tutors who share a value before a model, its card or a chart may name it.

An attribute of a customer's own can hold anything, a name or a note too. A value that five people share does not tell
them apart (k-anonymity with k = 5: Sweeney 2002, "k-anonymity: a model for protecting privacy").
"""


def shared_values(values: pa.Array | pa.ChunkedArray, tutors: NDArray[Any]) -> pa.Array:
    """The distinct values (k,) that at least LEAST_TUTORS of the tutors (n,) of these values (n,) have."""
    rows = pa.table({"value": values, "tutor": pa.array(tutors)})
    counted = rows.group_by("value").aggregate([("tutor", "count_distinct")])
    kept = counted.filter(pc.greater_equal(counted["tutor_count_distinct"], LEAST_TUTORS))["value"].drop_null()
    return kept.combine_chunks()
