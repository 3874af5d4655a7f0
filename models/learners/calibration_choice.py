"""Choice of a calibration by held-out log loss, and its level on the model that serves."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from features.base.array_types import Ints, Values
from models.learners import calibration
from models.learners.calibration import Calibration, clustered_error, expit, log_losses, shift_to

FEWEST = 10
"""Least outcomes of each class in either half of the held-out rows to compare calibrations on."""

CLEAR = 2.0
"""Standard errors by which a calibration must be better than a simpler one."""

SHIFTED = 2**0.5
"""Standard errors by which the level must differ from the model's own to be replaced (Akaike 1974, IEEE TAC 19:716)."""

Fit = Callable[[Values, Values, Ints], Calibration]
"""Fits a calibration to margins, 0/1 labels and tutor codes, (rows,) each."""


def choose(margins: Values, labels: Values, tutors: Ints, as_of: Ints) -> Calibration:
    """Returns the calibration of held-out rows: margins, 0/1 labels, tutor codes and moments, (rows,) each.

    Each half of the time is predicted by calibrations fitted to the other half. One with more parameters is chosen only
    where its log loss is lower by more than CLEAR standard errors.
    """
    late = as_of >= np.median(as_of)
    halves = [np.flatnonzero(late), np.flatnonzero(~late)]
    if min(_rarer(labels[half]) for half in halves) < FEWEST:
        return shifted(margins, labels, tutors)
    losses = {name: _cross_fitted_losses(fit, margins, labels, tutors, halves) for name, fit in CALIBRATIONS.items()}
    best, *others = CALIBRATIONS
    for name in others:
        gain = losses[best] - losses[name]
        if gain.mean() > CLEAR * clustered_error(gain - gain.mean(), tutors) / gain.size:
            best = name
    return CALIBRATIONS[best](margins, labels, tutors)


def _rarer(labels: Values) -> int:
    return int(min(labels.sum(), labels.size - labels.sum()))


def _cross_fitted_losses(
    fit: Fit, margins: Values, labels: Values, tutors: Ints, halves: list[NDArray[np.intp]]
) -> Values:
    losses = np.empty(labels.size)
    for judged, taught in (halves, halves[::-1]):
        fitted = fit(margins[taught], labels[taught], tutors[taught])
        losses[judged] = log_losses(fitted.log_odds(margins[judged]), labels[judged])
    return losses


def shifted(margins: Values, labels: Values, tutors: Ints) -> Calibration:
    """Returns the margins moved to the share of positives, with the uncertainty of a fitted line."""
    line = calibration.fit(margins, labels, tutors)
    return line.model_copy(update={"slope": 1.0, "intercept": shift_to(margins, float(labels.mean()))})


def beta(margins: Values, labels: Values, tutors: Ints) -> Calibration:
    """Returns a beta calibration; a straight line where the fitted curve would not rise everywhere."""
    slope, bent = calibration.fit_weights(np.column_stack([margins, np.logaddexp(0, margins)]), labels)
    curve = Calibration(bend=bent / slope) if slope > 0 and slope + bent > 0 else Calibration()
    return calibration.fit(margins, labels, tutors, curve)


def isotonic(margins: Values, labels: Values, tutors: Ints) -> Calibration:
    """Returns an isotonic calibration, linear between the centres of the pooled blocks."""
    from scipy.optimize import isotonic_regression  # slow to import, and no service needs it

    order = np.argsort(margins, kind="stable")
    begins = isotonic_regression(labels[order]).blocks
    rows, positives = np.diff(begins), np.add.reduceat(labels[order], begins[:-1])
    knots = np.add.reduceat(margins[order], begins[:-1]) / rows
    levels = np.maximum.accumulate(np.log((positives + 0.5) / (rows - positives + 0.5)))
    rising = np.flatnonzero(np.diff(levels, prepend=-np.inf) > 0)
    curve = Calibration(knots=tuple(knots[rising].tolist()), levels=tuple(levels[rising].tolist()))
    return calibration.fit(margins, labels, tutors, curve)


CALIBRATIONS: Mapping[str, Fit] = MappingProxyType(
    {"none": shifted, "platt": calibration.fit, "beta": beta, "isotonic": isotonic}
)
"""Calibrations by rising number of parameters; the first changes only the level."""


def on_served(chosen: Calibration, margins: Values, labels: Values, tutors: Ints) -> Calibration:
    """Returns a chosen calibration for the model that serves, with that model's margins of the same rows: (rows,) each.

    The model has been fitted to these rows too, so a change of level since the earlier ones is in its margins, and the
    level of the trial model would count it twice. The mean forecast stays the model's own, unless the share of
    positives differs from it by more than SHIFTED standard errors.
    """
    log_odds = chosen.log_odds(margins)
    own, observed = shift_to(log_odds, float(expit(margins).mean())), shift_to(log_odds, float(labels.mean()))
    probability = expit(log_odds + own)
    error = clustered_error(labels - probability, tutors) / (probability * (1 - probability)).sum()
    shift = observed if abs(observed - own) > SHIFTED * error else own
    return chosen.model_copy(update={"intercept": chosen.intercept + shift})
