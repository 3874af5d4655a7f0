"""A tutor's risk of missing at least one session in the next 14 days, from the sessions that are booked."""

from collections.abc import Iterable
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from domain.horizons import TUTOR_HORIZON
from features.history import History
from features.kernel import Ints
from features.queries import of_sessions
from models import calibration
from models.artifact import Model
from models.calibration import Calibration, logit
from models.dataset import active_tutors, booked_sessions, span, tutor_no_show_labels
from models.evaluation import Figure, figures_with_intervals
from models.matrix import matrix_of

STEP = timedelta(days=7)
FLOOR = -12.0


def any_no_show(tutor: Ints, probabilities: NDArray[np.float64], n_tutors: int) -> NDArray[np.float64]:
    """1 - the product of keeping each booked session, (tutors,): sessions taken as independent, calibrated later."""
    log_kept = np.bincount(tutor, np.log1p(-np.minimum(probabilities, 1 - 1e-12)), n_tutors)
    return np.asarray(-np.expm1(log_kept))


def raw_risk(model: Model, history: History, as_of: int) -> NDArray[np.float64]:
    """Uncalibrated risk of every tutor as of a moment: (tutors,)."""
    rows = booked_sessions(history, as_of, TUTOR_HORIZON)
    queries = of_sessions(history.sessions, rows, as_of)
    probabilities = model.probabilities(matrix_of(model.sidecar, history, queries))
    return any_no_show(queries.tutor, probabilities, history.n_tutors)


def margins_of(risk: NDArray[np.float64]) -> NDArray[np.float64]:
    """The log-odds the tutor calibration reads; a tutor with nothing booked stands at the floor."""
    return np.asarray(np.maximum(logit(risk), FLOOR))


def dates_between(begin: int, end: int) -> Iterable[int]:
    """Weekly moments from `begin` whose 14 days end by `end` (UTC microseconds)."""
    return range(begin, end - span(TUTOR_HORIZON) + 1, span(STEP))


def tutor_rows(
    model: Model, history: History, dates: Iterable[int]
) -> tuple[NDArray[np.float64], NDArray[np.float64], Ints]:
    """(raw log-odds, 0/1 labels, tutor codes) of the active tutors at each date, (rows,) each."""
    margins, labels, tutors = [], [], []
    for date in dates:
        active = active_tutors(history, date)
        margins.append(margins_of(raw_risk(model, history, date)[active]))
        labels.append(tutor_no_show_labels(history, date)[active])
        tutors.append(active)
    if not tutors:
        return np.zeros(0), np.zeros(0), np.zeros(0, np.int64)
    return np.concatenate(margins), np.concatenate(labels), np.concatenate(tutors)


def calibrate_tutors(model: Model, history: History, begin: int, end: int) -> Calibration:
    """The calibration of the 14-day risk on dates between two moments; the identity where one outcome is absent."""
    margins, labels, tutors = tutor_rows(model, history, dates_between(begin, end))
    if labels.size == 0 or labels.min() == labels.max():
        return Calibration()
    return calibration.fit(margins, labels, tutors)


def evaluate_tutors(model: Model, history: History, begin: int, end: int, seed: int, repeats: int) -> dict[str, Figure]:
    """Figures of the calibrated 14-day risk on weekly dates between two moments, by tutor bootstrap."""
    margins, labels, tutors = tutor_rows(model, history, dates_between(begin, end))
    if labels.size == 0 or labels.min() == labels.max():
        return {}
    risk = (model.sidecar.tutor_calibration or Calibration()).probability(margins)
    return figures_with_intervals(labels, risk, tutors, seed, repeats)
