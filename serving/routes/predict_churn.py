"""Churn prediction for one tutor on request."""

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from domain.errors import NotActive, UnknownSubject
from domain.policy import Permission
from domain.vocabulary import Task
from models.score.model_rows import active_rows
from models.score.scoring import score_churn
from serving.bodies import examples
from serving.bodies.predictions import ChurnPrediction, ChurnQuestion, Features, KnownTutor, ScoreView
from serving.guard.permissions import access
from serving.guard.request_state import set_audit_subjects
from serving.http.direct_routes import DirectRoute, answer
from serving.resources import AppResources, Resources
from serving.routes.predict_described import scores_of, with_action

router = APIRouter(prefix="/api/predict", tags=["predictions"], route_class=DirectRoute)


@router.post("/churn", summary="Predict churn of a tutor", response_model=ChurnPrediction)
@access(Permission.PREDICTIONS_MAKE, body_example=examples.CHURN_QUESTION, example=examples.CHURN_PREDICTION)
async def predict_churn(question: ChurnQuestion, request: Request, resources: AppResources) -> Response:
    """Predict the probability that a tutor leaves within each horizon of the model, as of now.

    Send the tutor's id, or the model's columns (`features`), which needs no database query. Only active tutors can
    leave: for others the response is a 409 problem `not_active`.
    """
    if isinstance(question, Features):
        scores = await scores_of(question, Task.CHURN, resources)
        return answer(ChurnPrediction(tutor_id=None, scores=tuple(scores)))
    set_audit_subjects(request, [question.tutor_id])
    prediction = await run_in_threadpool(_predict, question, resources)
    if not prediction.scores:
        raise NotActive(f"tutor {question.tutor_id!r} has no recent session or has left: only active tutors are scored")
    return answer(prediction)


def _predict(question: KnownTutor, resources: Resources) -> ChurnPrediction:
    champion, now = resources.champions.get(Task.CHURN), resources.now()
    history = resources.histories.of_tutor(question.tutor_id)
    if history is None:
        raise UnknownSubject(f"there is no tutor {question.tutor_id!r}")
    scores = score_churn(active_rows(champion.model, champion.version, history, now), with_reasons=question.explain)
    return ChurnPrediction(
        tutor_id=question.tutor_id, scores=tuple(ScoreView.of(with_action(score, question.explain)) for score in scores)
    )
