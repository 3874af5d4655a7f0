"""What to do about a tutor: from the scores, the sessions of the next two days, and what contacts were worth."""

from collections.abc import Iterator
from datetime import UTC, datetime

from fastapi import APIRouter

from domain.errors import UnknownSubject
from domain.events import Id
from domain.horizons import UPCOMING
from domain.interventions import Effect
from domain.scores import Score, band
from domain.vocabulary import ScoreKind, SubjectKind
from insights.actions import NO_ACTION, action_for
from insights.effect_words import in_words
from insights.upcoming import NOT_LISTED, advice
from serving.resources import Given
from serving.score_bodies import Recommendation, Recommendations
from store.database import Engine
from store.tutor_scores import planned_days_without, tutor_now
from store.upcoming import Upcoming, upcoming

router = APIRouter(prefix="/api/tutors", tags=["scores"])

ABOUT_TUTOR = (ScoreKind.NO_SHOW_14D, ScoreKind.CHURN_30D)
"""The risks of a tutor about which something can be recommended; `help` only joins them."""

SOMETHING = "What to do, the most pressing first."
NOTHING = "Nothing to do now: no risk of this tutor or of the sessions of the next two days asks for attention."
NOT_SCORED = "This tutor has not been scored yet, so nothing can be recommended."
LEFT_ALONE = f"{NOT_LISTED}: nothing is recommended about the sessions to come."


@router.get("/{tutor_id}/recommendations", summary="What to do about a tutor")
def recommendations(tutor_id: Id, resources: Given) -> Recommendations:
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
    found = [*_of_tutor(scores, coming, alone), *_of_sessions(coming)]
    return Recommendations(
        tutor_id=tutor_id,
        message=_message(found, alone) if said.scores else NOT_SCORED,
        recommendations=tuple(sorted(found, key=lambda one: -one.risk)),
    )


def _message(found: list[Recommendation], alone: bool) -> str:
    if alone:
        return LEFT_ALONE
    return SOMETHING if found else NOTHING


def _is_left_alone(engine: Engine, tutor_id: str, now: datetime) -> bool:
    first, last = (moment.astimezone(UTC).date() for moment in (now, now + UPCOMING))
    return planned_days_without(engine, tutor_id, first, last)


def _of_tutor(scores: list[Score], coming: Upcoming, alone: bool) -> Iterator[Recommendation]:
    for score in scores:
        action = action_for(score)
        if action == NO_ACTION or (alone and score.kind is ScoreKind.NO_SHOW_14D):
            continue
        no_show = score.kind is ScoreKind.NO_SHOW_14D
        effect = coming.effects.of(action) if coming.effects and no_show else None
        yield Recommendation(
            about=score.kind,
            subject_kind=score.subject_kind,
            subject_id=score.subject_id,
            starts_at=None,
            risk=score.value,
            band=score.band,
            action=action,
            reasons=score.reasons,
            what_if=score.what_if,
            measured_effect=_measured(effect),
        )


def _measured(effect: Effect | None) -> str | None:
    return in_words(effect) if effect else None


def _of_sessions(coming: Upcoming) -> Iterator[Recommendation]:
    for session in coming.sessions:
        risk = session.no_show
        if risk is None:
            continue
        advised = advice(risk.value, session.action, coming.is_listed(session), coming.effect_on(session))
        if advised.tells_why and advised.action != NO_ACTION:
            yield Recommendation(
                about=ScoreKind.NO_SHOW,
                subject_kind=SubjectKind.SESSION,
                subject_id=session.session_id,
                starts_at=session.starts_at,
                risk=risk.value,
                band=band(risk.value),
                action=advised.action,
                reasons=session.reasons,
                what_if=session.what_if,
                measured_effect=advised.effect,
            )
