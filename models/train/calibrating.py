"""Calibration of a fitted model with held-out forecasts of the same recipe."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.as_of.priors import Priors
from features.base.array_types import Matrix
from models.learners import calibration, frailty
from models.learners.boosting import Fitted
from models.learners.calibration import Calibration
from models.learners.calibration_choice import choose, on_served
from models.learners.frailty import Frailty
from models.train.held_out import HeldOutFit, Window


@dataclass(frozen=True)
class Calibrated:
    """Calibrations of the trial model and of the one that serves, and the frailty of both, None for none."""

    trial: Calibration
    served: Calibration
    frailty: Frailty | None = None


def calibrate(
    held_out: HeldOutFit, fitted: Fitted, columns: Matrix, parts: Window, names: Sequence[str], priors: Priors
) -> Calibrated:
    """Returns the calibrations of the calibration examples in a design matrix with named columns.

    Frailty changes the margins first. It is part of no-show models alone: only their columns include a record.
    """
    later = np.flatnonzero(parts.later)
    labels, tutors = parts.examples.label[later], parts.examples.tutor[later]
    if not held_out.has_signal:
        identity = calibration.identity(labels, tutors)
        return Calibrated(identity, identity)
    rows, trial = columns[later], held_out.margins
    served, own = fitted.margins(rows), None
    if set(frailty.COLUMNS) <= set(names):
        own = frailty.choose(trial, labels, rows, names, priors.no_show)
    if own:
        trial, served = (margins + own.shift(margins, rows, names) for margins in (trial, served))
    chosen = choose(trial, labels, tutors, parts.examples.as_of[later])
    return Calibrated(chosen, on_served(chosen, served, labels, tutors), own)
