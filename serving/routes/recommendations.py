"""What to do about a tutor: from the scores, the sessions of the next two days, and what contacts were worth."""

from collections.abc import Iterator, Sequence

from fastapi import APIRouter

from domain.disclosure import WITHHELD
from domain.errors import UnknownSubject
from domain.events.types import Id
from domain.horizons import UPCOMING
from domain.policy import Permission
from insights.advice.recommendations import ABOUT_TUTOR, ScoredSession, recommend
from serving.bodies import examples
from serving.bodies.scores import Recommendation, Recommendations
from serving.guard.permissions import access
from serving.resources import AppResources
from store.scores.tutor_scores import tutor_now
from store.scores.upcoming import Upcoming, upcoming

router = APIRouter(prefix="/api/tutors", tags=["scores"])

SOMETHING = "What to do, the most pressing first."
NOTHING = "Nothing to do now: no risk of this tutor or of the sessions of the next two days asks for attention."
NOT_SCORED = "This tutor has not been scored yet, so nothing can be recommended."
LEFT_ALONE = f"{WITHHELD}: nothing is recommended about upcoming sessions."


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
    found = recommend(scores, _scored(coming), coming.effect_of)
    return Recommendations(
        tutor_id=tutor_id,
        message=_message(found, said.withheld is not None) if said.scores else NOT_SCORED,
        recommendations=tuple(Recommendation.of(one) for one in found),
    )


def _message(found: Sequence[object], alone: bool) -> str:
    if alone:
        return LEFT_ALONE
    return SOMETHING if found else NOTHING


def _scored(coming: Upcoming) -> Iterator[ScoredSession]:
    for session in coming.sessions:
        if session.score is not None:
            yield ScoredSession(session.score, session.starts_at, session.is_listed)
