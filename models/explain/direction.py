"""Side of its usual value on which a column goes with the outcome."""

import numpy as np

from features.base.array_types import Matrix, Values

CERTAIN = 2.0
"""Standard errors by which the shares of two sides must differ."""


def directions(columns: Matrix, labels: Values, usual: tuple[float, ...]) -> tuple[int, ...]:
    """Returns +1 for a column where values above the usual one go with more positive labels, -1 where with fewer.

    Takes columns (rows, columns), labels (rows,) and usual values (columns,). 0 where the shares of positives on both
    sides differ by less than CERTAIN standard errors. A side without rows is replaced by the rows of the usual value.
    This is the association that a reader of a reason has in mind; the weight of one of several correlated columns may
    have the opposite sign.
    """
    return tuple(_direction(column, labels, value) for column, value in zip(columns.T, usual, strict=True))


def _direction(column: Values, labels: Values, usual: float) -> int:
    above, below, at = column > usual, column < usual, column == usual
    high, low = labels[above if above.any() else at], labels[below if below.any() else at]
    if not high.size or not low.size:
        return 0
    difference = high.mean() - low.mean()
    error = np.sqrt(high.var() / high.size + low.var() / low.size)
    return int(np.sign(difference)) if abs(difference) > CERTAIN * error else 0
