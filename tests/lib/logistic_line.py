"""Columns with linear log odds."""

import numpy as np

from models.learners.calibration import expit

RNG = np.random.default_rng(7)


def line(n: int = 4000, slope: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Two columns: the first raises the log odds by `slope` per unit, the second has no effect."""
    columns = RNG.standard_normal((n, 2)).astype(np.float32)
    labels = (RNG.random(n) < expit(slope * columns[:, 0] - 1)).astype(float)
    return columns, labels
