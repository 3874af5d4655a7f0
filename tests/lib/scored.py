"""Rows with known probabilities, for tests of evaluation and calibration."""

import numpy as np
from numpy.typing import NDArray

from models.learners.calibration import expit

Values = NDArray[np.float64]


def simulated(
    seed: int, n_clusters: int = 80, size: int = 20, spread: float = 0.0
) -> tuple[Values, Values, NDArray[np.int64]]:
    """Draw rows. Returns (labels, true probabilities without the cluster's own shift, clusters)."""
    rng = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(n_clusters), size)
    margins = rng.normal(-1, 1, clusters.size)
    shift = rng.normal(0, spread, n_clusters)[clusters] if spread else 0.0
    labels = (rng.random(clusters.size) < expit(margins + shift)).astype(float)
    return labels, expit(margins), clusters
