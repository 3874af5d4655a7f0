"""Compiled evaluation of XGBoost's trees for few rows, bit-identical to XGBoost.

A call of XGBoost has a fixed cost of a fraction of a millisecond; one row through three hundred trees takes a few
microseconds.
"""

from dataclasses import dataclass

import numpy as np
import xgboost as xgb
from numba import njit
from numpy.typing import NDArray

from features.base.array_types import Ints
from models.learners.tree_shap import Nodes, model_of, nodes_of, start_of

MOST_ROWS = 32
"""Number of rows from which XGBoost is faster, because it evaluates several at once."""

Rows = NDArray[np.float32]


@dataclass(frozen=True)
class Walk:
    """The trees of a booster; `base` is the margin before the first tree."""

    nodes: Nodes
    base: np.float32

    def margins(self, matrix: Rows) -> Rows:
        """Returns the log-odds of a matrix (rows, columns): (rows,)."""
        margins = np.full(len(matrix), self.base)
        n = self.nodes
        _descend(margins, np.ascontiguousarray(matrix), n.roots, n.left, n.right, n.column, n.threshold, n.missing_left)
        return margins


def walk_of(booster: xgb.Booster) -> Walk:
    """Returns the trees of a booster with numeric splits."""
    model = model_of(booster)
    # Single precision and this form, as in XGBoost.
    start = np.float32(start_of(model))
    return Walk(nodes_of(model), np.float32(-np.log(np.float32(1) / start - np.float32(1))))


@njit(cache=True, nogil=True)
def _descend(
    margins: Rows,
    matrix: Rows,
    roots: Ints,
    left: Ints,
    right: Ints,
    column: Ints,
    threshold: NDArray[np.float32],
    missing_left: NDArray[np.bool_],
) -> None:
    """Add the value of the leaf that each row reaches in every tree, in single precision and tree order."""
    for row in range(margins.size):
        for tree in range(roots.size - 1):
            node = roots[tree]
            while left[node] >= 0:
                value = matrix[row, column[node]]
                is_left = missing_left[node] if np.isnan(value) else value < threshold[node]
                node = left[node] if is_left else right[node]
            margins[row] += threshold[node]
