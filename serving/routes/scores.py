"""Stored scores of one tutor."""

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from domain.errors import UnknownSubject
from domain.events.types import Id
from domain.policy import Permission
from domain.score_kinds import SCORE_KINDS
from domain.vocabulary import ScoreKind, SubjectKind, Task
from insights.advice.score_status import STATUS_MESSAGES, score_status
from serving.bodies import examples
from serving.bodies.scores import KindScore, NextSession, TutorScores
from serving.guard.permissions import access
from serving.http.direct_routes import TutorRoute
from serving.http.etags import DESCRIBED, IfNoneMatch, unless_known
from serving.resources import AppResources, Resources
from store.scores.tutor_scores import TutorNow, tutor_now_async

router = APIRouter(prefix="/api/tutors", tags=["scores"], route_class=TutorRoute)

NO_SESSION = "No session is booked."


@router.get("/{tutor_id}/scores", summary="Scores of a tutor", response_model=TutorScores, responses=DESCRIBED)
@access(Permission.SCORES_READ, example=examples.TUTOR_SCORES)
async def tutor_scores(tutor_id: Id, resources: AppResources, if_none_match: IfNoneMatch = None) -> Response:
    """Return every kind of score once: those of the tutor, and `no_show` of the next booked session.

    A missing score has `value` null and the reason in `message`. A known tutor without scores gets a 200 with `status`
    and `message`; an unknown one a 404. To poll, send the `ETag` as `If-None-Match`: 304 while nothing has changed.
    """
    tutor = await tutor_now_async(resources.async_pool, tutor_id, resources.now())
    if tutor is None:
        raise UnknownSubject(f"there is no tutor {tutor_id!r}")
    has_model = bool(tutor.scores) or await run_in_threadpool(_has_model, resources)
    status = score_status(bool(tutor.scores), has_model)
    following = tutor.next_session
    body = TutorScores(
        tutor_id=tutor_id,
        status=status,
        message=STATUS_MESSAGES[status],
        scores=tuple(_kind_score(kind, tutor, tutor_id) for kind in SCORE_KINDS),
        next_session=NextSession(session_id=following.session_id, starts_at=following.starts_at) if following else None,
    )
    return unless_known(if_none_match, body)


def _kind_score(kind: ScoreKind, tutor: TutorNow, tutor_id: str) -> KindScore:
    stored = tutor.scores.get(kind)
    if stored is not None:
        return KindScore.of(stored.score, stored.trend)
    described = SCORE_KINDS[kind]
    if described.subject is SubjectKind.TUTOR:
        return KindScore.missing(kind, SubjectKind.TUTOR, tutor_id, described.why_missing)
    following = tutor.next_session
    session_id = following.session_id if following else None
    return KindScore.missing(kind, SubjectKind.SESSION, session_id, described.why_missing if following else NO_SESSION)


def _has_model(resources: Resources) -> bool:
    return any(resources.champions.find(task) for task in Task)
