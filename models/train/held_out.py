"""Fit on earlier examples and evaluation on held-out ones: calibration, number of rounds, and presence of signal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from domain.errors import NotEnoughData
from features.base.array_types import Ints, Matrix, Values
from models.examples.rows import Examples
from models.learners import calibration
from models.learners.boosting import PATIENCE, STARTS, Fitted, Params, Shape, try_out
from models.learners.calibration import Calibration

DesignBy = Callable[[NDArray[np.bool_]], Matrix]
"""Returns the design matrix of all examples, with categories ordered by the outcomes in a mask (examples,) alone."""

MIN_OUTCOMES, MIN_TEST_OUTCOMES = 200, 10
"""Least outcomes of each class to train on, and to test on: below, intervals are too wide to use."""

CALIBRATION_SHARE = 0.25
MIN_TRIAL_SHARE = 0.5


@dataclass(frozen=True)
class Window:
    """Examples split by date: those as of `calibrate_from` and later calibrate (examples,)."""

    examples: Examples
    calibrate_from: int

    @property
    def earlier(self) -> NDArray[np.bool_]:
        """Mask of the examples whose label was known before the calibration window."""
        return self.examples.known_at < self.calibrate_from

    @property
    def later(self) -> NDArray[np.bool_]:
        """Mask of the examples that calibrate."""
        return self.examples.as_of >= self.calibrate_from


def window(examples: Examples, moment: int) -> Window:
    """Returns the examples known at a moment, split for calibration. Raises NotEnoughData."""
    check(f"known before {_date(moment)} to train on", examples.label, MIN_OUTCOMES)
    split = Window(examples, int(np.quantile(examples.as_of, 1 - CALIBRATION_SHARE)))
    about = f"from {_date(split.calibrate_from)} to {_date(moment)} to calibrate on"
    check(about, examples.label[split.later], MIN_TEST_OUTCOMES)
    return split


def check(which: str, labels: Values, least: int) -> None:
    """Raise NotEnoughData for fewer than `least` outcomes of either class among 0/1 labels (rows,)."""
    positives = int(labels.sum())
    if min(positives, labels.size - positives) < least:
        raise NotEnoughData(
            f"{labels.size} finished rows {which}, {positives} of them positive: at least {least} of each "
            f"outcome are needed. Import more history."
        )


@dataclass(frozen=True)
class HeldOutFit:
    """Evaluation on the calibration examples of a model that has not seen them.

    `has_signal` is True where its margins discriminate at 99 %. `chosen` are the best start and number of rounds.
    `fitted` is the model where the split was by date.
    """

    calibration: Calibration
    has_signal: bool
    chosen: Params
    fitted: Fitted | None


def fit_before(design_by: DesignBy, parts: Window, settings: Params, shape: Shape) -> HeldOutFit:
    """Fit without the calibration examples: split by date, or by tutor in two folds.

    The split is by date where that leaves most of the examples before the calibration window. With a long horizon few
    labels are known before it, and the calibration of a poor model does not suit a good one. See docs/adr/0003. A model
    without signal is discarded, because its ranking would be chance.
    """
    labels, later = parts.examples.label, np.flatnonzero(parts.later)
    if parts.earlier.mean() < MIN_TRIAL_SHARE or not np.ptp(labels[parts.earlier]):
        margins, chosen = _fit_by_tutor(design_by, labels, parts.examples.tutor % 2, later, settings, shape)
        fitted = None
    else:
        columns = design_by(parts.earlier)
        held_out = columns[later], labels[later]
        trials = try_out(columns[parts.earlier], labels[parts.earlier], held_out, settings, shape, PATIENCE)
        start, rounds = best({start: trial.losses for start, trial in trials.items()})
        margins, fitted = trials[start].margins(held_out[0], rounds), trials[start].at(rounds)
        chosen = {"start": start, "rounds": rounds}
    outcomes, tutors = labels[later], parts.examples.tutor[later]
    period = None if parts.examples.period is None else parts.examples.period[later]
    if calibration.discriminates(margins, outcomes, tutors, period):
        return HeldOutFit(calibration.fit(margins, outcomes, tutors), True, chosen, fitted)
    return HeldOutFit(calibration.identity(outcomes, tutors), False, chosen, None)


def _fit_by_tutor(
    design_by: DesignBy, labels: Values, fold: Ints, later: Ints, settings: Params, shape: Shape
) -> tuple[Values, Params]:
    """Returns margins of the later examples, each from the other half of the tutors, and the best start and rounds."""
    designs = [design_by(fold != i) for i in (0, 1)]
    folds = [
        try_out(c[fold != i], labels[fold != i], (c[fold == i], labels[fold == i]), settings, shape, 0)
        for i, c in enumerate(designs)
    ]
    sizes = [(fold == i).sum() for i in (0, 1)]
    start, rounds = best({s: sum(f[s].losses * n for f, n in zip(folds, sizes, strict=True)) for s in STARTS})
    margins = np.empty(later.size)
    for i, trials in enumerate(folds):
        rows = fold[later] == i
        margins[rows] = trials[start].margins(designs[i][later[rows]], rounds)
    return margins, {"start": start, "rounds": rounds}


def best(losses: Mapping[str, Values]) -> tuple[str, int]:
    """Returns the start with the lowest held-out loss and its number of rounds: losses (rounds,) by start."""
    start = min(losses, key=lambda name: float(losses[name].min()))
    return start, int(losses[start].argmin()) + 1


def _date(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment / 1e6, UTC):%Y-%m-%d %H:%M} UTC"
