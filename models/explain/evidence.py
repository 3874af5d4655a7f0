"""Evidence of a row's own numbers: the side of the usual value on which each lies, and its distance from chance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.base.array_types import Matrix, Values
from features.catalogue import FEATURES
from features.columns.feature import RATIO
from models.artifact.model import Sidecar
from models.evaluate.proportions import wilson
from models.explain.group_words import group_columns
from models.explain.own_numbers import OwnNumbers

SMALLEST_SHARE = 1e-6
"""Least usual share, so that a share can be divided by it."""


@dataclass(frozen=True)
class Evidence:
    """Numbers that reasons quote, (rows, columns) each.

    `raises` and `lowers` mark numbers on the side of the usual value that goes with a higher or a lower risk. `factor`
    is the logarithm of the nearest end of the counts' 95 % interval divided by the usual share: 0 where the interval
    includes the usual share, so that chance explains the counts; NaN for a column without counts.
    """

    raises: NDArray[np.bool_]
    lowers: NDArray[np.bool_]
    factor: Values


def evidence_of(sidecar: Sidecar, matrix: Matrix, numbers: OwnNumbers) -> Evidence:
    """Returns the evidence of a matrix (rows, columns) and the own numbers of its rows.

    A number equal to the usual one lies on neither side; a value without order, such as a weekday, lies on both. A
    missing value raises the risk if the feature words it, and otherwise lies on neither side.
    """
    features = [FEATURES.get(name) for name in sidecar.columns]
    multiple = np.array([f is not None and f.unit == RATIO for f in features])
    worded = np.array([f is not None and bool(f.missing) for f in features])
    own, usual, factor = _own(sidecar, matrix, numbers)
    above = own > np.where(multiple, np.maximum(usual, 1), usual)
    below = own < np.where(multiple, np.minimum(usual, 1), usual)
    sign, missing = _signs(sidecar), np.isnan(own)
    either = ~_ordered(sidecar) & ~missing
    return Evidence(
        np.where(sign > 0, above, (sign < 0) & below) | either | (worded & missing),
        np.where(sign > 0, below, (sign < 0) & above) | either,
        factor,
    )


def _own(sidecar: Sidecar, matrix: Matrix, numbers: OwnNumbers) -> tuple[Values, Values, Values]:
    """Returns the quoted numbers (rows, columns), the usual ones (columns,), and factors (rows, columns)."""
    own, usual = matrix.astype(np.float64), np.array(sidecar.typical)
    factor, columns = np.full(own.shape, np.nan), sidecar.columns
    shares = {place: numbers.described_as(column) for place, column in enumerate(columns)}
    counted = {place: share for place, share in shares.items() if share in numbers.counts}
    if not counted:
        return own, usual, factor
    places, positions = list(counted), {column: place for place, column in enumerate(columns)}
    events, sessions = np.array([numbers.counts[share] for share in counted.values()]).transpose(1, 2, 0)
    usual[places] = np.maximum([sidecar.typical[positions[share]] for share in counted.values()], SMALLEST_SHARE)
    own[:, places] = np.divide(events, sessions, out=np.full(events.shape, np.nan), where=sessions > 0)
    low, high = wilson(np.nan_to_num(own[:, places]), np.maximum(sessions, 1e-9))
    factor[:, places] = np.log(np.clip(usual[places], low, high) / usual[places])
    return own, usual, factor


def _ordered(sidecar: Sidecar) -> NDArray[np.bool_]:
    features = [FEATURES[name].is_ordered for name in sidecar.features]
    attributes = [not attribute.categories for attribute in sidecar.attributes]
    return np.array(features + attributes + [True] * len(group_columns(sidecar)))


def _signs(sidecar: Sidecar) -> NDArray[np.int64]:
    """Returns the side of the usual value that goes with a higher risk: +1 above, -1 below, 0 unknown; (columns,)."""
    learnt = sidecar.directions or (0,) * len(sidecar.columns)
    known = [FEATURES[name].worse for name in sidecar.features] + [0] * len(sidecar.attributes)
    known += [1] * len(group_columns(sidecar))
    return np.array([k or sign for k, sign in zip(known, learnt, strict=True)])
