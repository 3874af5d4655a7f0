"""Recommended actions for a tutor, from scores, sessions of the next two days and measured effects of contacts."""

from collections.abc import Iterator

from fastapi import APIRouter

from domain.errors import UnknownSubject
from domain.events.types import Id
from domain.horizons import UPCOMING
from domain.policy import Permission
from domain.score_kinds import HELP_PARTS
from insights.advice.recommendations import ScoredSession, recommend, summary
from serving.bodies import examples
from serving.bodies.scores import Recommendation, Recommendations
from serving.guard.permissions import access
from serving.resources import AppResources
from store.scores.tutor_scores import tutor_now
from store.scores.upcoming import Upcoming, upcoming

router = APIRouter(prefix="/api/tutors", tags=["scores"])


@router.get("/{tutor_id}/recommendations", summary="Recommended actions for a tutor")
@access(Permission.SCORES_READ, example=examples.RECOMMENDATIONS)
def recommendations(tutor_id: Id, resources: AppResources) -> Recommendations:
    """List recommended actions with reasons, the most effective change according to the model, and measured effects.

    They are proposals to a person; nothing is done automatically. For a tutor who is not on the contact list of a day
    that has one, nothing is recommended about no-shows: a call would bias the measurement of the effect of calls.
    """
    engine, now = resources.engine, resources.now()
    tutor = tutor_now(engine, tutor_id, now)
    if tutor is None:
        raise UnknownSubject(f"there is no tutor {tutor_id!r}")
    scores = [tutor.scores[kind].score for kind in HELP_PARTS if kind in tutor.scores]
    sessions = upcoming(engine, now, now + UPCOMING, tutor_id)
    recommended = recommend(scores, _scored(sessions), sessions.effect_of)
    return Recommendations(
        tutor_id=tutor_id,
        message=summary(recommended, bool(tutor.scores), tutor.withheld is not None),
        recommendations=tuple(Recommendation.of(recommendation) for recommendation in recommended),
    )


def _scored(page: Upcoming) -> Iterator[ScoredSession]:
    for session in page.sessions:
        if session.score is not None:
            yield ScoredSession(session.score, session.starts_at, session.is_listed)
