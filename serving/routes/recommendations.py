"""What to do about a tutor: from the scores, the sessions of the next two days, and what contacts were worth."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from fastapi import APIRouter

from domain.errors import UnknownSubject
from domain.events.types import Id
from domain.horizons import UPCOMING
from domain.policy import Permission
from insights.advice.recommendations import ABOUT_TUTOR, ScoredSession, recommend
from insights.advice.upcoming import NOT_LISTED
from serving.bodies import examples
from serving.bodies.scores import Recommendation, Recommendations
from serving.guard.permissions import access
from serving.resources import AppResources
from store.db.engine import Engine
from store.scores.tutor_scores import planned_days_without, tutor_now
from store.scores.upcoming import Upcoming, upcoming

router = APIRouter(prefix="/api/tutors", tags=["scores"])

SOMETHING = "What to do, the most pressing first."
NOTHING = "Nothing to do now: no risk of this tutor or of the sessions of the next two days asks for attention."
NOT_SCORED = "This tutor has not been scored yet, so nothing can be recommended."
LEFT_ALONE = f"{NOT_LISTED}: nothing is recommended about the sessions to come."


@router.get("/{tutor_id}/recommendations", summary="What to do about a tutor")
@access(Permission.SCORES_READ, example=examples.RECOMMENDATIONS)
def recommendations(tutor_id: Id, resources: AppResources) -> Recommendations:
    """What to do and why, with the change the model expects to help most and what contacts were worth so far.

    Proposals to a person, never an act. Of a tutor who is not on the contact list of a day that has one, nothing is
    recommended about no-shows: a call would undo the comparison that measures what calls are worth.
    """
    engine, now = resources.engine, resources.now()
    said = tutor_now(engine, tutor_id, now)
    if said is None:
        raise UnknownSubject(f"there is no tutor {tutor_id!r}")
    scores = [said.scores[kind].score for kind in ABOUT_TUTOR if kind in said.scores]
    coming = upcoming(engine, now, now + UPCOMING, tutor_id)
    alone = bool(coming.sessions) and _is_left_alone(engine, tutor_id, now)
    found = recommend(scores, _scored(coming), coming.effect_of, alone)
    return Recommendations(
        tutor_id=tutor_id,
        message=_message(found, alone) if said.scores else NOT_SCORED,
        recommendations=tuple(Recommendation.of(one) for one in found),
    )


def _message(found: Sequence[object], alone: bool) -> str:
    if alone:
        return LEFT_ALONE
    return SOMETHING if found else NOTHING


def _is_left_alone(engine: Engine, tutor_id: str, now: datetime) -> bool:
    first, last = (moment.astimezone(UTC).date() for moment in (now, now + UPCOMING))
    return planned_days_without(engine, tutor_id, first, last)


def _scored(coming: Upcoming) -> Iterator[ScoredSession]:
    for session in coming.sessions:
        if session.score is not None:
            yield ScoredSession(session.score, session.starts_at, coming.is_listed(session))
