"""A small tuning problem with a planted signal."""

import numpy as np

from domain.vocabulary import Task
from models.learners.boosting import Shape
from models.learners.calibration import expit
from models.train.fitting import DEFAULT_PARAMS
from models.train.folds import TuningData, folds_of


def problem(n: int = 3000, seed: int = 0) -> TuningData:
    """Three columns: the first raises the risk monotonically, the second affects it, the third has no effect."""
    rng = np.random.default_rng(seed)
    design = np.asfortranarray(rng.normal(size=(n, 3)), dtype=np.float32)
    truth = expit(-1 + 1.5 * design[:, 0] + np.where(design[:, 1] > 0.5, 1.5, 0))
    labels = (rng.random(n) < truth).astype(float)
    as_of = np.arange(n) * 60
    start = {**DEFAULT_PARAMS[Task.NO_SHOW], "seed": seed, "nthread": 1}
    return TuningData(design, labels, folds_of(as_of, as_of + 1, labels), start, Shape((1, 0, 0)))
