"""Types of NumPy arrays."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Values = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.int8]
Days = NDArray[np.int32]

Column = NDArray[np.float64]
"""A value for each query, NaN for missing: (queries,)."""

Matrix = NDArray[np.float32]
"""Columns of a model: (rows, columns), NaN for missing."""

NamedArrays = Mapping[str, NDArray[np.generic]]
"""Aligned arrays by name."""
