"""From a model and a history to scores with intervals and reasons."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from domain.horizons import TUTOR_HORIZON
from domain.scores import Reason, Score
from domain.vocabulary import ScoreKind, SubjectKind
from features.history import History, SessionColumns
from features.kernel import Ints
from features.queries import of_sessions, of_tutors
from models.artifact import Matrix, Model
from models.calibration import Calibration
from models.dataset import active_tutors, booked_sessions
from models.explanation import explain
from models.matrix import matrix_of
from models.tutor_risk import any_no_show, margins_of


def microseconds_of(moment: datetime) -> int:
    """An aware datetime as UTC microseconds."""
    return round(moment.astimezone(UTC).timestamp() * 1e6)


def score_sessions(
    model: Model,
    version: str,
    history: History,
    session_ids: Sequence[str],
    sessions: SessionColumns,
    as_of: datetime,
    with_reasons: bool = True,
) -> list[Score]:
    """The no-show risk of sessions, (sessions,) aligned with their ids, as known at `as_of`."""
    matrix = matrix_of(model.sidecar, history, of_sessions(sessions, as_of=microseconds_of(as_of)))
    reasons = explain(model, matrix) if with_reasons else [()] * len(matrix)
    return _scores(
        SubjectKind.SESSION,
        ScoreKind.NO_SHOW,
        session_ids,
        model.margins(matrix),
        model.sidecar.calibration,
        reasons,
        version,
        as_of,
    )


def score_tutors_no_show(model: Model, version: str, history: History, as_of: datetime) -> list[Score]:
    """The 14-day no-show risk of every active tutor, from what is booked.

    The reasons are those of the booked sessions, averaged by their risk.
    """
    moment = microseconds_of(as_of)
    active = active_tutors(history, moment)
    rows = booked_sessions(history, moment, TUTOR_HORIZON)
    queries = of_sessions(history.sessions, rows, moment)
    matrix = matrix_of(model.sidecar, history, queries)
    probabilities = model.probabilities(matrix)
    raw = any_no_show(queries.tutor, probabilities, history.n_tutors)[active]
    reasons = _averaged_reasons(model, matrix, probabilities, queries.tutor, active)
    return _scores(
        SubjectKind.TUTOR,
        ScoreKind.NO_SHOW_14D,
        history.tutor_ids.take(active).to_pylist(),
        margins_of(raw),
        model.sidecar.tutor_calibration or Calibration(),
        reasons,
        version,
        as_of,
    )


def score_churn(model: Model, version: str, history: History, as_of: datetime) -> list[Score]:
    """The 30-day churn risk of every active tutor."""
    moment = microseconds_of(as_of)
    active = active_tutors(history, moment)
    matrix = matrix_of(model.sidecar, history, of_tutors(active, moment))
    return _scores(
        SubjectKind.TUTOR,
        ScoreKind.CHURN_30D,
        history.tutor_ids.take(active).to_pylist(),
        model.margins(matrix),
        model.sidecar.calibration,
        explain(model, matrix),
        version,
        as_of,
    )


def _averaged_reasons(
    model: Model, matrix: Matrix, probabilities: NDArray[np.float64], tutor: Ints, active: Ints
) -> list[tuple[Reason, ...]]:
    """Reasons a tutor: the mean contributions of its booked sessions, told with the riskiest session's numbers."""
    riskiest = np.lexsort((-probabilities, tutor))
    first = riskiest[np.searchsorted(tutor[riskiest], active)] if tutor.size else np.zeros(0, np.int64)
    booked = np.isin(active, tutor)
    reasons: list[tuple[Reason, ...]] = [()] * active.size
    if not booked.any():
        return reasons
    contributions = model.contributions(matrix) * probabilities[:, None]
    weight = np.bincount(tutor, probabilities)
    means = (
        np.column_stack([np.bincount(tutor, column) for column in contributions.T]) / np.maximum(weight, 1e-12)[:, None]
    )
    found = explain(model, matrix[first[booked]], means[active[booked]])
    for place, reason in zip(np.flatnonzero(booked), found, strict=True):
        reasons[place] = reason
    return reasons


def _scores(
    subject_kind: SubjectKind,
    kind: ScoreKind,
    ids: Sequence[str],
    margins: NDArray[np.float64],
    calibration: Calibration,
    reasons: Sequence[tuple[Reason, ...]],
    version: str,
    as_of: datetime,
) -> list[Score]:
    values = calibration.probability(margins)
    lows, highs = calibration.interval(margins)
    return [
        Score(
            subject_kind=subject_kind,
            subject_id=subject_id,
            kind=kind,
            value=float(value),
            low=float(low),
            high=float(high),
            reasons=reason,
            model_version=version,
            as_of=as_of,
        )
        for subject_id, value, low, high, reason in zip(ids, values, lows, highs, reasons, strict=True)
    ]
