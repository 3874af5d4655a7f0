"""Fit on earlier examples and evaluation on held-out ones: calibration, number of rounds, and presence of signal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from domain.errors import NotEnoughData
from features.base.array_types import Ints, Matrix, Values
from models.examples.rows import Examples
from models.learners import calibration
from models.learners.boosting import LINE, PATIENCE, STARTS, Fitted, Params, Shape, alone, try_out
from models.learners.calibration import log_losses
from models.learners.logistic import fit_linear

DesignBy = Callable[[NDArray[np.bool_]], Matrix]
"""Returns the design matrix of all examples, with categories ordered by the outcomes in a mask (examples,) alone."""

MIN_OUTCOMES, MIN_TEST_OUTCOMES = 200, 10
"""Least outcomes of each class to train on, and to test on: below, intervals are too wide to use."""

CALIBRATION_SHARE = 0.25
MIN_TRIAL_SHARE = 0.5

LIKELY = 1.64
"""Standard errors at which a line on all tutors counts as signal; without signal, its cross-fitted margins fall."""

LINE_FOLDS = 5


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


class Step(StrEnum):
    """Parts of a model that held-out rows support: trees and line, the line alone, or the base rate alone."""

    TREES = "trees"
    LINE = "line"
    BASE_RATE = "base rate"


NO_GAIN = "the trees do not lower the log loss of held-out rows"
NO_RANKING = "the trees do not rank held-out rows better than chance at 99 %"
NO_LINE = f"{NO_RANKING}, and neither does the line at 95 %"


@dataclass(frozen=True)
class HeldOutFit:
    """Forecasts of the calibration examples by a model that has not seen them: its margins (examples,).

    `step` is the largest model that they support, `why` the reason for a smaller one than trees, otherwise empty.
    `chosen` are the best start and number of rounds. `fitted` is the model where the split was by date.
    """

    margins: Values
    step: Step
    why: str
    chosen: Params
    fitted: Fitted | None

    @property
    def has_signal(self) -> bool:
        """True where held-out rows support more than the base rate."""
        return self.step is not Step.BASE_RATE


@dataclass(frozen=True)
class _Trial:
    """Margins of the calibration examples from models that have not seen them, with trees and from the line alone."""

    margins: Values
    line: Values
    chosen: Params
    fitted: Fitted | None = None
    fitted_line: Fitted | None = None


def fit_before(design_by: DesignBy, parts: Window, settings: Params, shape: Shape) -> HeldOutFit:
    """Fit without the calibration examples: split by date, or by tutor in two folds.

    The split is by date where that leaves most of the examples before the calibration window. With a long horizon few
    labels are known before it, and the calibration of a poor model does not suit a good one. See docs/adr/0003. Where
    the held-out rows do not support the trees, the model falls back to the line, then to the base rate, because its
    ranking would be chance. See docs/adr/0031.
    """
    examples, later = parts.examples, np.flatnonzero(parts.later)
    labels, tutors = examples.label[later], examples.tutor[later]
    period = None if examples.period is None else examples.period[later]
    by_date = parts.earlier.mean() >= MIN_TRIAL_SHARE and np.ptp(examples.label[parts.earlier]) > 0
    trial = (_by_date if by_date else _by_tutor)(design_by, parts, later, settings, shape)
    line: Params = {"start": LINE, "rounds": 0}
    if log_losses(trial.line, labels).mean() <= log_losses(trial.margins, labels).mean():
        step, why, margins, chosen, fitted = Step.LINE, NO_GAIN, trial.line, line, trial.fitted_line
    else:
        step, why, margins, chosen, fitted = Step.TREES, "", trial.margins, trial.chosen, trial.fitted
    if calibration.discriminates(margins, labels, tutors, period):
        return HeldOutFit(margins, step, why, chosen, fitted)
    margins = _line_by_tutor(design_by, examples, settings, shape)
    if calibration.discriminates(margins, examples.label, examples.tutor, examples.period, LIKELY):
        return HeldOutFit(margins[later], Step.LINE, NO_RANKING, line, None)
    return HeldOutFit(margins[later], Step.BASE_RATE, NO_LINE, trial.chosen, None)


def _by_date(design_by: DesignBy, parts: Window, later: Ints, settings: Params, shape: Shape) -> _Trial:
    """Returns margins of the later examples, from models fitted to the labels known before them."""
    labels, columns = parts.examples.label, design_by(parts.earlier)
    held_out = columns[later], labels[later]
    trials = try_out(columns[parts.earlier], labels[parts.earlier], held_out, settings, shape, PATIENCE)
    start, rounds = best({start: trial.losses for start, trial in trials.items()})
    line = alone(trials[LINE].fitted.linear, columns, settings, shape)
    return _Trial(
        trials[start].margins(held_out[0], rounds),
        line.margins(held_out[0]),
        {"start": start, "rounds": rounds},
        trials[start].at(rounds),
        line,
    )


def _by_tutor(design_by: DesignBy, parts: Window, later: Ints, settings: Params, shape: Shape) -> _Trial:
    """Returns margins of the later examples, each from models fitted to the other half of the tutors."""
    labels, fold = parts.examples.label, parts.examples.tutor % 2
    designs = [design_by(fold != i) for i in (0, 1)]
    folds = [
        try_out(c[fold != i], labels[fold != i], (c[fold == i], labels[fold == i]), settings, shape, 0)
        for i, c in enumerate(designs)
    ]
    sizes = [(fold == i).sum() for i in (0, 1)]
    start, rounds = best({s: sum(f[s].losses * n for f, n in zip(folds, sizes, strict=True)) for s in STARTS})
    margins, line = np.empty(later.size), np.empty(later.size)
    for i, trials in enumerate(folds):
        rows = fold[later] == i
        of_fold = designs[i][later[rows]]
        margins[rows] = trials[start].margins(of_fold, rounds)
        line[rows] = trials[LINE].fitted.linear.log_odds(of_fold)
    return _Trial(margins, line, {"start": start, "rounds": rounds})


def _line_by_tutor(design_by: DesignBy, examples: Examples, settings: Params, shape: Shape) -> Values:
    """Returns margins of all examples (examples,), each from a line fitted to the other LINE_FOLDS - 1 tutor folds."""
    fold, margins = examples.tutor % LINE_FOLDS, np.empty(len(examples))
    for i in range(LINE_FOLDS):
        others, rows = fold != i, np.flatnonzero(fold == i)
        columns, labels = design_by(others), examples.label[others]
        line = fit_linear(columns[others], labels, shape.signs, shape.n_periods, int(settings["seed"]))
        margins[rows] = line.log_odds(columns[rows])
    return margins


def best(losses: Mapping[str, Values]) -> tuple[str, int]:
    """Returns the start with the lowest held-out loss and its number of rounds: losses (rounds,) by start."""
    start = min(losses, key=lambda name: float(losses[name].min()))
    return start, int(losses[start].argmin()) + 1


def _date(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment / 1e6, UTC):%Y-%m-%d %H:%M} UTC"
