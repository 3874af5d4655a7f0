"""Comparison of a new training with the champion on rows neither has seen, and its scoring time."""

import time
from collections.abc import Callable
from datetime import UTC

import numpy as np

from features.as_of.queries import microseconds_of
from features.history.history import History
from models.artifact.champion import Champion
from models.artifact.matrix import matrix_of
from models.gate.decision import Contest
from models.train.training import Training

_ROWS_TIMED = 50


def contest(training: Training, champion: Champion, history: History) -> Contest:
    """Score the test rows later than the champion's training data with the new training and the champion.

    The champion was refitted to everything known when it was trained, so earlier rows would favour it.
    Raises LateFeature where the champion reads an attribute that is now marked late.
    """
    since = champion.model.sidecar.known_before
    later = training.test.queries.as_of >= microseconds_of(since)
    rows = training.test.where(np.asarray(later))
    others = champion.model.probabilities(matrix_of(champion.model.sidecar, history, rows.queries))
    return Contest(
        champion=champion.version,
        since=f"{since.astimezone(UTC):%Y-%m-%d}",
        labels=rows.label,
        scores=training.scores[later],
        others=others,
        tutors=rows.queries.tutor,
    )


def milliseconds_a_row(training: Training, clock: Callable[[], float] = time.perf_counter) -> float:
    """Returns the median time, in milliseconds, to turn one row of the matrix into a probability."""
    model, times = training.model, []
    model.probabilities(training.sample[:1])  # the first call reads the trees
    for _ in range(_ROWS_TIMED):
        began = clock()
        model.probabilities(training.sample[:1])
        times.append(clock() - began)
    return float(np.median(times)) * 1e3
