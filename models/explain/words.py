"""Words for a column's value."""

import numpy as np

from features.catalogue import FEATURES


def describe(column: str, value: float, typical: float | None = None) -> str:
    """Returns a column's value in words, followed by the typical one where both are amounts that differ."""
    feature = FEATURES.get(column)
    if np.isnan(value):
        return feature.missing if feature else f"{column.replace('_', ' ')} is not known"
    if feature is None:
        return f"{column.replace('_', ' ')}: {value:g}"
    amount, what = feature.phrase(value)
    text = f"{amount} {what}".rstrip()
    alone = typical is None or not what or "usual" in what  # "40 % of the usual hours" needs no second usual
    usual = "" if typical is None or alone else feature.phrase(typical)[0]
    return text if usual in ("", amount) else f"{text} (usual: {usual.removeprefix('about ')})"
