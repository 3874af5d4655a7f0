"""What a recipe makes of examples it has not seen: the calibrator, the rounds, and whether it knows anything."""

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
"""The design matrix of all examples, coded by the outcomes of those in a mask (examples,) alone."""

MIN_OUTCOMES, MIN_TEST_OUTCOMES = 200, 10
"""Of either class: fewer teach nothing, and figures on fewer have intervals too wide to use."""

CALIBRATION_SHARE = 0.25
MIN_TRIAL_SHARE = 0.5


@dataclass(frozen=True)
class Window:
    """Examples by the calendar: those as of `calibrate_from` and later calibrate a trial model (examples,)."""

    examples: Examples
    calibrate_from: int

    @property
    def earlier(self) -> NDArray[np.bool_]:
        """Which examples had their label before the calibration window."""
        return self.examples.known_at < self.calibrate_from

    @property
    def later(self) -> NDArray[np.bool_]:
        """Which examples calibrate."""
        return self.examples.as_of >= self.calibrate_from


def window(examples: Examples, moment: int) -> Window:
    """The examples known at a moment, divided for calibration. Raises NotEnoughData."""
    check(f"known before {_date(moment)} to train on", examples.label, MIN_OUTCOMES)
    found = Window(examples, int(np.quantile(examples.as_of, 1 - CALIBRATION_SHARE)))
    about = f"from {_date(found.calibrate_from)} to {_date(moment)} to calibrate on"
    check(about, examples.label[found.later], MIN_TEST_OUTCOMES)
    return found


def check(which: str, labels: Values, least: int) -> None:
    """Raise NotEnoughData for too few outcomes of either class among 0/1 labels (rows,)."""
    positives = int(labels.sum())
    if min(positives, labels.size - positives) < least:
        raise NotEnoughData(
            f"{labels.size} finished rows {which}, {positives} of them positive: at least {least} of each "
            f"outcome are needed. Bring more history."
        )


@dataclass(frozen=True)
class Tried:
    """What a model that has not seen the calibration examples makes of them.

    `knows`: whether it surely tells those with an outcome from those without. `chosen` are the start
    and the number of rounds that served best. `fitted` is that model where it was one by date.
    """

    calibration: Calibration
    knows: bool
    chosen: Params
    fitted: Fitted | None


def try_before(design_by: DesignBy, parts: Window, settings: Params, shape: Shape) -> Tried:
    """By date where that leaves most of the examples before the calibration window, else by tutor in two folds.

    With a long horizon few labels are known before the window, and the calibrator of a poor model does not fit a good
    one. See docs/adr/0003. A model that tells nothing apart is taken for none: its order would be chance.
    """
    labels, later = parts.examples.label, np.flatnonzero(parts.later)
    if parts.earlier.mean() < MIN_TRIAL_SHARE or not np.ptp(labels[parts.earlier]):
        margins, chosen = _try_by_tutor(design_by, labels, parts.examples.tutor % 2, later, settings, shape)
        fitted = None
    else:
        columns = design_by(parts.earlier)
        held_out = columns[later], labels[later]
        trials = try_out(columns[parts.earlier], labels[parts.earlier], held_out, settings, shape, PATIENCE)
        start, rounds = best({start: trial.losses for start, trial in trials.items()})
        margins, fitted = trials[start].margins(held_out[0], rounds), trials[start].at(rounds)
        chosen = {"start": start, "rounds": rounds}
    came, tutors = labels[later], parts.examples.tutor[later]
    period = None if parts.examples.period is None else parts.examples.period[later]
    if calibration.tells_apart(margins, came, tutors, period):
        return Tried(calibration.fit(margins, came, tutors), True, chosen, fitted)
    return Tried(calibration.as_it_is(came, tutors), False, chosen, None)


def _try_by_tutor(
    design_by: DesignBy, labels: Values, fold: Ints, later: Ints, settings: Params, shape: Shape
) -> tuple[Values, Params]:
    """Margins of the later examples, each from the other half of the tutors, and the start and rounds that did best."""
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
    """The start with the lowest held-out loss at any round, and how many rounds that is: losses (rounds,) by start."""
    start = min(losses, key=lambda name: float(losses[name].min()))
    return start, int(losses[start].argmin()) + 1


def _date(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment / 1e6, UTC):%Y-%m-%d %H:%M} UTC"
