"""How a fresh training meets the champion: on the same rows, which neither has seen, and how quick it is."""

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
    """The fresh training and the champion on the test rows as of which the champion had learnt nothing yet.

    The champion was fitted once more to all that was known when it was trained, so earlier rows would flatter it.
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
    """The median time to turn one row of the matrix into a probability, in milliseconds."""
    model, taken = training.model, []
    model.probabilities(training.sample[:1])  # the first call reads the trees
    for _ in range(_ROWS_TIMED):
        began = clock()
        model.probabilities(training.sample[:1])
        taken.append(clock() - began)
    return float(np.median(taken)) * 1e3
