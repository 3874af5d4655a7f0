"""The scores of a tutor, read from the store."""

from datetime import timedelta

from fastapi import APIRouter

from domain.errors import UnknownSubject
from domain.vocabulary import SubjectKind, Task
from serving.bodies import Id, NextSession, ScoreStatus, ScoreView, TutorScores
from serving.resources import Given, Resources
from store.scores import latest_scores
from store.views import tutor_exists, upcoming_sessions

router = APIRouter(prefix="/api/tutors", tags=["scores"])

FAR = timedelta(days=365)
"""How far ahead the next session is looked for."""

_MESSAGES = {
    ScoreStatus.SCORED: "The latest scores.",
    ScoreStatus.NOT_SCORED: "This tutor has not been scored yet: only tutors who delivered a session lately are.",
    ScoreStatus.NO_MODEL: "No model has been trained yet, so nobody has a score.",
}


@router.get("/{tutor_id}/scores")
def tutor_scores(tutor_id: Id, resources: Given) -> TutorScores:
    """The tutor's latest scores, and that of the next booked session (kind `no_show`, about the session).

    A known tutor without scores is answered 200 with `status` and `message` saying why; an unknown one 404.
    """
    engine = resources.engine
    if not tutor_exists(engine, tutor_id):
        raise UnknownSubject(f"there is no tutor {tutor_id!r}")
    now = resources.now()
    following = next(iter(upcoming_sessions(engine, now, now + FAR, tutor_id, limit=1)), None)
    scores = [*latest_scores(engine, SubjectKind.TUTOR, tutor_id)]
    if following is not None:
        scores += latest_scores(engine, SubjectKind.SESSION, following.session_id)
    status = ScoreStatus.SCORED if scores else _why_none(resources)
    return TutorScores(
        tutor_id=tutor_id,
        status=status,
        message=_MESSAGES[status],
        scores=tuple(ScoreView.of(score) for score in scores),
        next_session=NextSession(session_id=following.session_id, starts_at=following.starts_at) if following else None,
    )


def _why_none(resources: Resources) -> ScoreStatus:
    registered = any(resources.champions.find(task) for task in Task)
    return ScoreStatus.NOT_SCORED if registered else ScoreStatus.NO_MODEL
