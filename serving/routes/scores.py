"""Stored scores of one tutor."""

from collections.abc import Mapping
from types import MappingProxyType

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from domain.errors import UnknownSubject
from domain.events.types import Id
from domain.policy import Permission
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
NOT_YET = "Not scored yet: sessions are scored from 48 hours before they start, or when they are booked."
_RATE = "Not enough data: rates are kept of tutors who delivered a session in the last 30 days."
_QUALITY = "Not enough data: no session was rated in the last 90 days, or the tutor delivered none in the last 30."
_RISK = "Not enough data: only tutors who delivered a session in the last 30 days are scored, and with a model."
WHY_MISSING: Mapping[ScoreKind, str] = MappingProxyType(
    {
        ScoreKind.RESCHEDULE_RATE_7D: _RATE,
        ScoreKind.RESCHEDULE_RATE_30D: _RATE,
        ScoreKind.RESCHEDULE_RATE_90D: _RATE,
        ScoreKind.SESSION_QUALITY: _QUALITY,
        ScoreKind.FIRST_SESSION_QUALITY: _QUALITY.replace("no session", "no first session"),
    }
)
"""Why there is nothing of a kind; of all others it is that nobody scored the tutor."""


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
        scores=tuple(_kind_score(kind, tutor, tutor_id) for kind in ScoreKind),
        next_session=NextSession(session_id=following.session_id, starts_at=following.starts_at) if following else None,
    )
    return unless_known(if_none_match, body)


def _kind_score(kind: ScoreKind, tutor: TutorNow, tutor_id: str) -> KindScore:
    stored = tutor.scores.get(kind)
    if stored is not None:
        return KindScore.of(stored.score, stored.trend)
    if kind is not ScoreKind.NO_SHOW:
        return KindScore.missing(kind, SubjectKind.TUTOR, tutor_id, WHY_MISSING.get(kind, _RISK))
    following = tutor.next_session
    session_id = following.session_id if following else None
    return KindScore.missing(kind, SubjectKind.SESSION, session_id, NOT_YET if following else NO_SESSION)


def _has_model(resources: Resources) -> bool:
    return any(resources.champions.find(task) for task in Task)
