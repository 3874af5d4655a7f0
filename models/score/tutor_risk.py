"""A tutor's risk of missing at least one session in the next 14 days, from the booked sessions."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.horizons import TUTOR_HORIZON
from features.as_of.queries import of_sessions
from features.base.array_types import Ints, Values
from features.history.active import active_tutors
from features.history.history import History
from models.artifact.matrix import matrix_of
from models.artifact.model import Model
from models.evaluate.metrics import Figure, Tier, figures_with_intervals
from models.evaluate.tiers import choose_act_threshold, tiers
from models.examples.rows import booked_sessions, span, tutor_no_show_labels
from models.learners import calibration
from models.learners.calibration import Calibration, logit

STEP = timedelta(days=7)
FLOOR = -12.0

RANKING = ("roc_auc", "pr_auc", *(f"{what}_at_{n}" for what in ("precision", "recall", "lift") for n in (5, 10, 20)))


def any_no_show(tutor: Ints, probabilities: NDArray[np.float64], n_tutors: int) -> NDArray[np.float64]:
    """Returns 1 - the product of keeping each booked session, (tutors,).

    Sessions are treated as independent; the calibration corrects for that.
    """
    log_kept = np.bincount(tutor, np.log1p(-np.minimum(probabilities, 1 - 1e-12)), n_tutors)
    return np.asarray(-np.expm1(log_kept))


def raw_risk(model: Model, history: History, as_of: int) -> NDArray[np.float64]:
    """Returns the uncalibrated risk of every tutor as of a moment: (tutors,)."""
    rows = booked_sessions(history, as_of, TUTOR_HORIZON)
    queries = of_sessions(history.sessions, rows, as_of)
    probabilities = model.probabilities(matrix_of(model.sidecar, history, queries))
    return any_no_show(queries.tutor, probabilities, history.n_tutors)


def margins_of(risk: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the log-odds for the tutor calibration; FLOOR for a tutor without booked sessions."""
    return np.asarray(np.maximum(logit(risk), FLOOR))


def dates_between(begin: int, end: int) -> Iterable[int]:
    """Returns weekly moments from `begin` whose 14 days end by `end` (UTC microseconds)."""
    return range(begin, end - span(TUTOR_HORIZON) + 1, span(STEP))


@dataclass(frozen=True)
class TutorRows:
    """Active tutors at weekly dates, (rows,) each: raw log-odds, 0/1 labels, tutor codes, and the true raw risk.

    `true` is NaN where the true probabilities are unknown.
    """

    margins: Values
    labels: Values
    tutors: Ints
    true: Values

    @property
    def one_sided(self) -> bool:
        """True where one outcome is absent, so that nothing can be fitted or measured."""
        return self.labels.size == 0 or self.labels.min() == self.labels.max()


def tutor_rows(model: Model, history: History, begin: int, end: int, truth: Values | None = None) -> TutorRows:
    """Returns the active tutors at weekly dates between two moments, with labels known before the second.

    `truth` (sessions,) holds the true probability of each session's no-show.
    """
    parts = [_rows_at(model, history, date, end, truth) for date in dates_between(begin, end)]
    if not parts:
        return TutorRows(np.zeros(0), np.zeros(0), np.zeros(0, np.int64), np.zeros(0))
    return TutorRows(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(TutorRows)))


def _rows_at(model: Model, history: History, date: int, end: int, truth: Values | None) -> TutorRows:
    active = active_tutors(history, date)
    true = np.full(active.size, np.nan) if truth is None else _true_risk(history, date, truth)[active]
    risk = raw_risk(model, history, date)[active]
    return TutorRows(margins_of(risk), tutor_no_show_labels(history, date, end)[active], active, true)


def _true_risk(history: History, as_of: int, truth: Values) -> Values:
    rows = booked_sessions(history, as_of, TUTOR_HORIZON)
    return any_no_show(history.sessions.tutor[rows], truth[rows], history.n_tutors)


def with_tutor_risk(model: Model, judge: Model, history: History, begin: int, end: int) -> Model:
    """Returns the model with its 14-day risk calibrated on dates between two moments, and with the act threshold.

    `judge` scores those dates. It should be a fit of the same recipe that has not seen them, because the model would
    score its own training data. The calibration is the identity, without threshold, where an outcome is absent or the
    risk has no signal.
    """
    rows = tutor_rows(judge, history, begin, end)
    update: dict[str, Any] = {"tutor_calibration": Calibration()}
    if not rows.one_sided and calibration.discriminates(rows.margins, rows.labels, rows.tutors):
        risk = calibration.fit(rows.margins, rows.labels, rows.tutors)
        threshold = choose_act_threshold(risk.probability(rows.margins), rows.labels, rows.tutors)
        update = {"tutor_calibration": risk, "act_threshold": threshold}
    return Model(model.ubj, model.sidecar.model_copy(update=update))


@dataclass(frozen=True)
class TutorFigures:
    """Figures of the 14-day risk, those of the true risk where it is known, and the tiers."""

    figures: dict[str, Figure] = field(default_factory=dict)
    ceiling: dict[str, Figure] = field(default_factory=dict)
    tiers: tuple[Tier, ...] = ()


def evaluate_tutors(
    model: Model, history: History, begin: int, end: int, seed: int, repeats: int, truth: Values | None = None
) -> TutorFigures:
    """Evaluate the calibrated 14-day risk on weekly dates between two moments, with a bootstrap over tutors."""
    rows = tutor_rows(model, history, begin, end, truth)
    if rows.one_sided:
        return TutorFigures()
    risk = (model.sidecar.tutor_calibration or Calibration()).probability(rows.margins)
    true = None if np.isnan(rows.true).any() else rows.true
    return TutorFigures(
        figures=figures_with_intervals(rows.labels, risk, rows.tutors, seed, repeats),
        ceiling={} if true is None else _ranking(figures_with_intervals(rows.labels, true, rows.tutors, seed, repeats)),
        tiers=tiers(model.sidecar.act_threshold, risk, rows.labels, rows.tutors, seed, true, repeats),
    )


def _ranking(figures: dict[str, Figure]) -> dict[str, Figure]:
    """Returns the figures of the ranking alone: the true risk covers only sessions booked by then and is too low."""
    return {name: figure for name, figure in figures.items() if name in RANKING}
