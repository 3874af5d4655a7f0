"""Compiled TreeSHAP: contributions of each column to a forest's margin, equal to XGBoost's and many times faster.

A path to a leaf reads few columns, so the contributions of a leaf for every combination of passed and failed columns
fit into a table computed once per model; a row then costs one look-up per leaf. Source: Yang 2021, Fast
TreeSHAP, arXiv:2109.09847 (version 2); the values are those of Lundberg et al. 2020, Nature Machine Intelligence 2:56,
with the trees' covers.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xgboost as xgb
from numba import njit
from numpy.typing import NDArray

from features.base.array_types import Ints, Values

DEEPEST = 8
LARGEST = 25_000_000
"""Most columns on one path, and most entries of the table. Beyond either, XGBoost's own algorithm is used."""

BLOCK = 512
"""Rows explained together, so that shared data stays in the processor's cache."""


@dataclass(frozen=True)
class Nodes:
    """The nodes of all trees (nodes,), parents before their children; `roots` (trees + 1,) bounds the trees.

    `left` and `right` are indices of nodes, -1 for a leaf. `threshold` of a leaf is its value.
    """

    roots: Ints
    left: Ints
    right: Ints
    column: Ints
    threshold: NDArray[np.float32]
    missing_left: NDArray[np.bool_]
    cover: Values


@dataclass(frozen=True)
class Forest:
    """Trees with the tables of their contributions.

    `place` is the index of a node's column among the distinct columns of its path, and for a leaf their number; `path`
    (nodes, DEEPEST) holds these columns. From `at[leaf]`, `table` holds the contribution of the leaf to each of them,
    for every set of columns that a row fails. `base` is the margin of the average training row.
    """

    nodes: Nodes
    place: Ints
    path: Ints
    at: Ints
    table: Values
    base: float

    def contributions(self, matrix: NDArray[np.float32]) -> Values:
        """Returns the contribution of each column, then the base: (rows, columns + 1). Each row sums to its margin."""
        sums = np.zeros((matrix.shape[1] + 1, len(matrix)))
        sums[-1] = self.base
        n = self.nodes
        splits = n.roots, n.left, n.right, n.column, n.threshold, n.missing_left
        _add(sums, np.ascontiguousarray(matrix.T), *splits, self.place, self.path, self.at, self.table)
        return sums.T


def forest_of(booster: xgb.Booster) -> Forest | None:
    """Returns the trees of a booster with numeric splits, if any; None where a table would be too large."""
    model = model_of(booster)
    nodes = nodes_of(model)
    place, path, passed, weight = _paths(nodes.left, nodes.right, nodes.column, nodes.cover)
    leaf = nodes.left < 0
    sizes = np.where(leaf, place << place, 0)
    if place.max(initial=0) > DEEPEST or sizes.sum() > LARGEST:
        return None
    at = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    value = nodes.threshold.astype(np.float64)
    table = np.zeros(sizes.sum())
    _fill(table, at, np.flatnonzero(leaf & (place > 0)), place, passed, value)
    start = start_of(model)
    return Forest(nodes, place, path, at, table, float((weight * value)[leaf].sum() + np.log(start / (1 - start))))


def model_of(booster: xgb.Booster) -> dict[str, Any]:
    """Returns the `learner` of a booster from XGBoost's JSON."""
    learner: dict[str, Any] = json.loads(booster.save_raw("json"))["learner"]
    return learner


def start_of(model: Mapping[str, Any]) -> float:
    """Returns the base score, a probability; newer versions of XGBoost write it as a vector of length 1."""
    return float(model["learner_model_param"]["base_score"].strip("[]"))


def nodes_of(model: Mapping[str, Any]) -> Nodes:
    """Returns the nodes of all trees; empty without trees."""
    trees: Sequence[dict[str, Any]] = model["gradient_booster"]["model"]["trees"]
    roots = np.concatenate([[0], np.cumsum([len(tree["left_children"]) for tree in trees])]).astype(np.int64)

    def column(name: str, kind: type) -> NDArray[Any]:
        return np.concatenate([np.empty(0), *(np.asarray(tree[name]) for tree in trees)]).astype(kind)

    first = np.repeat(roots[:-1], np.diff(roots))
    left, right = (column(f"{side}_children", np.int64) for side in ("left", "right"))
    return Nodes(
        roots,
        np.where(left < 0, -1, left + first),
        np.where(right < 0, -1, right + first),
        column("split_indices", np.int64),
        column("split_conditions", np.float32),
        column("default_left", np.bool_),
        column("sum_hessian", np.float64),
    )


@njit(cache=True, nogil=True)
def _paths(left: Ints, right: Ints, column: Ints, cover: Values) -> tuple[Ints, Ints, Values, Values]:
    """Returns (place, path, passed, weight) of each node.

    `passed` (nodes, DEEPEST) is the share of training rows that pass the path's splits on each of its columns, `weight`
    the share that reaches the node. Stops at a path of more than DEEPEST columns, whose place is then larger.
    """
    n = left.size
    place, weight = np.zeros(n, np.int64), np.ones(n)
    path, passed = np.full((n, DEEPEST), -1), np.ones((n, DEEPEST))
    for node in range(n):
        if left[node] < 0:
            continue
        n_columns = place[node]
        k = 0
        while k < n_columns and path[node, k] != column[node]:
            k += 1
        if k == DEEPEST:
            place[node] = DEEPEST + 1
            return place, path, passed, weight
        for child in (left[node], right[node]):
            share = cover[child] / cover[node]
            path[child], passed[child] = path[node], passed[node]
            path[child, k] = column[node]
            passed[child, k] *= share
            weight[child] = weight[node] * share
            place[child] = max(n_columns, k + 1)
        place[node] = k
    return place, path, passed, weight


@njit(cache=True, nogil=True)
def _fill(table: Values, at: Ints, leaves: Ints, place: Ints, passed: Values, value: Values) -> None:
    """Compute the Shapley values of each leaf's columns for every set of failed ones; bit k is the path's column k."""
    for leaf in leaves:
        d = place[leaf]
        for failed in range(1 << d):
            for i in range(d):
                sums = np.zeros(d)  # of products over the other columns, by the number of known ones
                sums[0] = 1.0
                for j in range(d):
                    if j != i:
                        keeps = 0.0 if failed >> j & 1 else 1.0
                        for k in range(d - 1, 0, -1):
                            sums[k] = sums[k] * passed[leaf, j] + sums[k - 1] * keeps
                        sums[0] *= passed[leaf, j]
                total, share = 0.0, 1.0 / d  # k! (d - k - 1)! / d!
                for k in range(d):
                    total += sums[k] * share
                    share *= (k + 1) / max(d - k - 1, 1)
                own = 0.0 if failed >> i & 1 else 1.0
                table[at[leaf] + failed * d + i] = value[leaf] * (own - passed[leaf, i]) * total


@njit(cache=True, nogil=True)
def _add(
    sums: Values,
    matrix: NDArray[np.float32],
    roots: Ints,
    left: Ints,
    right: Ints,
    column: Ints,
    threshold: NDArray[np.float32],
    missing_left: NDArray[np.bool_],
    place: Ints,
    path: Ints,
    at: Ints,
    table: Values,
) -> None:
    """Add the contributions of every tree to `sums` (columns, rows) for a matrix of that shape, in blocks of rows."""
    if roots.size == 1:
        return
    failed = np.zeros((np.diff(roots).max(), BLOCK), np.uint8)
    for begin in range(0, matrix.shape[1], BLOCK):
        n = min(BLOCK, matrix.shape[1] - begin)
        for tree in range(roots.size - 1):
            first = roots[tree]
            failed[0] = 0
            for node in range(first, roots[tree + 1]):
                here = failed[node - first]
                if left[node] >= 0:
                    values = matrix[column[node], begin : begin + n]
                    bit, limit, default = np.uint8(1 << place[node]), threshold[node], missing_left[node]
                    goes_left, goes_right = failed[left[node] - first], failed[right[node] - first]
                    for row in range(n):
                        value = values[row]
                        is_left = value < limit or (default and np.isnan(value))
                        goes_left[row] = here[row] | (np.uint8(0) if is_left else bit)
                        goes_right[row] = here[row] | (bit if is_left else np.uint8(0))
                else:
                    d = place[node]
                    for i in range(d):
                        parts = table[at[node] + i : at[node] + (d << d)]
                        column_sums = sums[path[node, i], begin : begin + n]
                        for row in range(n):
                            column_sums[row] += parts[here[row] * d]
