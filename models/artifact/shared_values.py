"""Values of an attribute shared by several tutors, which identify nobody."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

LEAST_TUTORS = 5
"""Least number of tutors who share a value before a model, its card or a chart may name it.

A customer's attribute can contain anything, including names and notes. A value shared by five people does not identify
any of them (k-anonymity with k = 5: Sweeney 2002, "k-anonymity: a model for protecting privacy").
"""


def shared_values(values: pa.Array | pa.ChunkedArray, tutors: NDArray[Any]) -> pa.Array:
    """Returns the distinct values (k,) that at least LEAST_TUTORS tutors share: values and tutor codes, (n,) each."""
    rows = pa.table({"value": values, "tutor": pa.array(tutors)})
    counted = rows.group_by("value").aggregate([("tutor", "count_distinct")])
    kept = counted.filter(pc.greater_equal(counted["tutor_count_distinct"], LEAST_TUTORS))["value"].drop_null()
    return kept.combine_chunks()
