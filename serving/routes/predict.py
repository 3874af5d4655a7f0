"""No-show prediction for one session on request, from the tutor's history, the training's features and the champion."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from domain.disclosure import disclosed, withheld, without_advice
from domain.errors import UnknownSubject
from domain.policy import Permission
from domain.prediction_rules import broken_attributes, broken_times, check_upcoming
from domain.scores import Score
from domain.vocabulary import ScoreKind, Task
from features.as_of.queries import take
from features.base.dataset import Dataset
from features.history.history import History, SessionColumns
from models.score.described_session import described_session
from models.score.scoring import DESCRIBED, score_sessions
from serving.bodies import examples
from serving.bodies.predictions import DescribedSession, Features, KnownSession, NoShowQuestion, Prediction, ScoreView
from serving.guard.permissions import access
from serving.guard.request_state import set_audit_subjects
from serving.http.direct_routes import DirectRoute, answer
from serving.http.problems import FieldError, InvalidFields
from serving.resources import AppResources, Resources
from serving.routes.predict_described import scores_of, with_action
from serving.state.histories import Histories
from store.contacts.assignments import assignments_of
from store.db.engine import Engine
from store.facts.lookups import student_exists

router = APIRouter(prefix="/api/predict", tags=["predictions"], route_class=DirectRoute)


@router.post("/no_show", summary="Predict a no-show of a session", response_model=Prediction)
@access(Permission.PREDICTIONS_MAKE, body_example=examples.NO_SHOW_QUESTION, example=examples.NO_SHOW_PREDICTION)
async def predict_no_show(question: NoShowQuestion, request: Request, resources: AppResources) -> Response:
    """Predict the probability that the tutor misses this session, as of now.

    Send the session's id, its description, or the model's columns (`features`), which needs no database query. Without
    a model the response is a 503 problem `no_model`; for a session that is no longer booked, a 409 `not_upcoming`.
    """
    if isinstance(question, Features):
        (score,) = await scores_of(question, Task.NO_SHOW, resources)
        return answer(Prediction(session_id=None, tutor_id=None, starts_at=None, score=score))
    prediction = await run_in_threadpool(_predict, question, resources)
    set_audit_subjects(request, filter(None, [prediction.tutor_id]))
    return answer(prediction)


def _predict(question: KnownSession | DescribedSession, resources: Resources) -> Prediction:
    champion, now = resources.champions.get(Task.NO_SHOW), resources.now()
    if isinstance(question, KnownSession):
        session = _stored(question, resources.histories, now)
    else:
        session = _described(question, resources, now)
    (score,) = score_sessions(
        champion.model,
        champion.version,
        session.history,
        [session.session_id or DESCRIBED],
        session.columns,
        now,
        with_reasons=question.explain,
    )
    score = with_action(score, question.explain)
    if question.explain:
        score = _disclosed(score, session, resources.engine, now)
    return Prediction(
        session_id=session.session_id,
        tutor_id=session.tutor_id,
        starts_at=session.starts_at,
        score=ScoreView.of(score),
    )


@dataclass(frozen=True)
class _PredictedSession:
    """The session to predict, with its tutor's history. A described session has no id."""

    history: History
    columns: SessionColumns
    session_id: str | None
    tutor_id: str
    starts_at: datetime


def _disclosed(score: Score, session: _PredictedSession, engine: Engine, now: datetime) -> Score:
    """The score as it may be shown; a described session depends on the days of all upcoming sessions of its tutor."""
    planned = assignments_of(engine, session.tutor_id, now)
    if session.session_id is None and withheld(ScoreKind.NO_SHOW_14D, session.tutor_id, planned):
        return without_advice(score)
    return disclosed(score, planned)


def _stored(question: KnownSession, histories: Histories, now: datetime) -> _PredictedSession:
    """The stored session. Raises UnknownSubject, NotUpcoming."""
    history = histories.around(question.session_id)
    if history is None:
        raise UnknownSubject(f"there is no session {question.session_id!r}")
    sessions = history.dataset.tables["sessions"]
    row = pc.index(sessions["session_id"], question.session_id).as_py()
    if row < 0:  # between two queries it was reassigned to another tutor
        return _stored(question, histories, now)
    status, starts_at = sessions["status"][row].as_py(), sessions["starts_at"][row].as_py()
    check_upcoming(question.session_id, status, starts_at, now)
    columns = take(history.sessions, np.array([row]))
    return _PredictedSession(history, columns, question.session_id, sessions["tutor_id"][row].as_py(), starts_at)


def _described(question: DescribedSession, resources: Resources, now: datetime) -> _PredictedSession:
    """The described session. Raises UnknownSubject, InvalidFields."""
    history = resources.histories.of_tutor(question.tutor_id)
    if history is None:
        raise UnknownSubject(f"there is no tutor {question.tutor_id!r}")
    if question.student_id is not None and not student_exists(resources.engine, question.student_id):
        raise UnknownSubject(f"there is no student {question.student_id!r}")
    types = {a.name: a.type for a in history.dataset.feature_attributes("sessions")}
    broken = (
        *broken_times(question.starts_at, question.booked_at, now),
        *broken_attributes(question.attributes, types),
    )
    if broken:
        raise InvalidFields([FieldError(field=rule.field, detail=rule.detail) for rule in broken])
    columns = history.columns_of(described_row(question, history.dataset, now))
    return _PredictedSession(history, columns, None, question.tutor_id, question.starts_at)


def described_row(question: DescribedSession, dataset: Dataset, now: datetime) -> pa.Table:
    """The described session as a row of the dataset; without `booked_at` it is booked now."""
    booked_at = question.booked_at or now
    return described_session(
        dataset, question.tutor_id, question.student_id, question.starts_at, booked_at, question.attributes
    )
