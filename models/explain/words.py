"""Words for a column's value."""

import numpy as np

from features.catalogue import FEATURES
from features.columns.feature import RATIO


def describe(column: str, value: float, typical: float) -> str:
    """Returns a column's value in words with the typical one: "31 hours since the tutor last wrote (usual 9 hours)".

    Empty where both are the same in words. The typical value is omitted beside a value that is no amount, and beside a
    multiple of the tutor's own usual amount.
    """
    feature = FEATURES.get(column)
    if feature is None:
        amount, what, usual = f"{value:g}", "", f"{typical:g}"
        return f"{column.replace('_', ' ')}: {amount} (usual {usual})" if amount != usual else ""
    if np.isnan(value):
        return feature.missing
    amount, what = feature.phrase(value)
    usual = feature.phrase(typical)[0]
    if not what:
        return amount
    if feature.unit == RATIO:
        return f"{amount} {what}"
    return f"{amount} {what} (usual {usual.removeprefix('about ')})" if amount != usual else ""
