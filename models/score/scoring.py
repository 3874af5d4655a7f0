"""Scores from a model and a history, with intervals, reasons and what-ifs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from domain.horizons import ACT_RISK
from domain.score_kinds import CHURN_KINDS
from domain.scores import Reason, Score, WhatIf
from domain.vocabulary import ScoreKind, SubjectKind, Task
from features.as_of.queries import by_tutor, microseconds_of, of_sessions
from features.base.array_types import Ints, Matrix, Values
from features.history.active import active_tutors
from features.history.history import History, SessionColumns
from models.artifact.matrix import QueriedRows, query_rows
from models.artifact.model import Chances, Model
from models.explain.explanation import explain
from models.explain.own_numbers import OwnNumbers, own_numbers
from models.explain.what_if import Variant, moved, variants, what_ifs
from models.learners.calibration import Calibration
from models.score.model_rows import ModelRows
from models.score.tutor_risk import any_no_show, margins_of

DESCRIBED = "described"
"""Subject id of a described session or tutor, which has none."""


@dataclass(frozen=True)
class Explanations:
    """Reasons and what-if of each score, aligned with the scores."""

    reasons: Sequence[tuple[Reason, ...]]
    what_ifs: Sequence[WhatIf | None]


def score_sessions(
    model: Model,
    version: str,
    history: History,
    session_ids: Sequence[str],
    sessions: SessionColumns,
    as_of: datetime,
    with_reasons: bool = True,
) -> list[Score]:
    """Returns the no-show risk of sessions, aligned with their ids, as known at `as_of`."""
    places, queries = by_tutor(of_sessions(sessions, as_of=microseconds_of(as_of)), history.n_tutors)
    rows = query_rows(model.sidecar, history, queries)
    scores = _scores(
        SubjectKind.SESSION,
        ScoreKind.NO_SHOW,
        [session_ids[place] for place in places],
        model.chances(model.margins(rows.matrix)),
        _explained(model, rows, [moved(model.sidecar, rows)]) if with_reasons else None,
        version,
        as_of,
    )
    return [scores[row] for row in np.argsort(places)]


def score_tutors_no_show(booked: ModelRows, with_reasons: bool = True) -> list[Score]:
    """Returns the 14-day no-show risk of every active tutor, from the rows of the booked sessions.

    The reasons are those of the booked sessions, averaged by risk.
    """
    model, rows, history = booked.model, booked.rows, booked.rows.history
    active = active_tutors(history, microseconds_of(booked.as_of))
    tutor = rows.queries.tutor
    risk = model.sidecar.tutor_calibration or Calibration()

    def margins_with(probabilities: Values) -> Values:
        return margins_of(any_no_show(tutor, probabilities, history.n_tutors)[active])

    probabilities = model.chances(booked.margins).value

    def what_if(changed: Matrix) -> Values:
        return risk.probability(margins_with(model.probabilities(changed)))

    explanations = None
    if with_reasons:
        changes = variants(model.sidecar, rows.matrix, active.size)
        reasons = _averaged_reasons(model, rows, probabilities, active)
        explanations = Explanations(reasons, what_ifs(what_if, rows.matrix, changes))
    margins = margins_with(probabilities)
    return _scores(
        SubjectKind.TUTOR,
        ScoreKind.NO_SHOW_14D,
        history.tutor_ids.take(active).to_pylist(),
        Chances(risk.probability(margins), *risk.interval(margins)),
        explanations,
        booked.version,
        booked.as_of,
        model.sidecar.act_threshold,
    )


def score_churn(active: ModelRows, with_reasons: bool = True) -> list[Score]:
    """Returns the risk of every active tutor of leaving within 7, 14, 30 and 90 days, for the model's horizons.

    Reasons and what-ifs belong to the model's main horizon.
    """
    rows = active.rows
    explanations = _explained(active.model, rows) if with_reasons else None
    ids = rows.history.tutor_ids.take(rows.queries.tutor).to_pylist()
    return _churn_scores(active.model, active.version, ids, active.margins, explanations, active.as_of)


def score_described(model: Model, version: str, row: Matrix, as_of: datetime, with_reasons: bool) -> list[Score]:
    """The scores of a row (1, columns) that was described: of a session, or of a tutor within each horizon."""
    explanations = _explanations(model, row, OwnNumbers()) if with_reasons else None
    if model.sidecar.task is Task.CHURN:
        return _churn_scores(model, version, [DESCRIBED], model.margins(row), explanations, as_of)
    chances = model.chances(model.margins(row))
    return _scores(SubjectKind.SESSION, ScoreKind.NO_SHOW, [DESCRIBED], chances, explanations, version, as_of)


def _explained(model: Model, rows: QueriedRows, moves: Sequence[Variant] = ()) -> Explanations:
    return _explanations(model, rows.matrix, own_numbers(model.sidecar, rows.past), moves)


def _explanations(model: Model, matrix: Matrix, numbers: OwnNumbers, moves: Sequence[Variant] = ()) -> Explanations:
    changes = [*variants(model.sidecar, matrix, len(matrix)), *moves]
    return Explanations(explain(model, matrix, numbers), what_ifs(model.probabilities, matrix, changes))


def _churn_scores(
    model: Model, version: str, ids: Sequence[str], margins: Values, explanations: Explanations | None, as_of: datetime
) -> list[Score]:
    scores = list[Score]()
    for days, kind in CHURN_KINDS.items():
        if days in model.sidecar.horizons:
            chances = model.chances(margins, days)
            of_kind = explanations if days == model.sidecar.horizon else None
            scores += _scores(SubjectKind.TUTOR, kind, ids, chances, of_kind, version, as_of)
    return scores


def _averaged_reasons(model: Model, rows: QueriedRows, probabilities: Values, active: Ints) -> list[tuple[Reason, ...]]:
    """Returns each tutor's reasons: mean contributions of its booked sessions, numbers of the riskiest one."""
    tutor = rows.queries.tutor
    riskiest = np.lexsort((-probabilities, tutor))
    booked = np.isin(active, tutor)
    reasons: list[tuple[Reason, ...]] = [()] * active.size
    if not booked.any():
        return reasons
    contributions = model.contributions(rows.matrix) * probabilities[:, None]
    weight = np.bincount(tutor, probabilities)
    means = (
        np.column_stack([np.bincount(tutor, column) for column in contributions.T]) / np.maximum(weight, 1e-12)[:, None]
    )
    shown = riskiest[np.searchsorted(tutor[riskiest], active[booked])]
    numbers = own_numbers(model.sidecar, rows.past).at(shown)
    explained = explain(model, rows.matrix[shown], numbers, means[active[booked]], about_tutor=True)
    for place, reason in zip(np.flatnonzero(booked), explained, strict=True):
        reasons[place] = reason
    return reasons


def _scores(
    subject_kind: SubjectKind,
    kind: ScoreKind,
    ids: Sequence[str],
    chances: Chances,
    explanations: Explanations | None,
    version: str,
    as_of: datetime,
    act_from: float | None = ACT_RISK,
) -> list[Score]:
    values, lows, highs = chances.value, chances.low, chances.high
    explanations = explanations or Explanations([()] * len(ids), [None] * len(ids))
    return [
        Score(
            subject_kind=subject_kind,
            subject_id=subject_id,
            kind=kind,
            value=float(value),
            low=float(low),
            high=float(high),
            reasons=reasons,
            what_if=what_if,
            act_from=act_from,
            model_version=version,
            as_of=as_of,
        )
        for subject_id, value, low, high, reasons, what_if in zip(
            ids, values, lows, highs, explanations.reasons, explanations.what_ifs, strict=True
        )
    ]
