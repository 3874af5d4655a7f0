"""Recommended actions for one tutor, about the tutor's risks and upcoming sessions."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.disclosure import WITHHELD, is_withheld
from domain.interventions import Effect
from domain.scores import Score
from domain.vocabulary import ScoreKind
from insights.advice.actions import NO_ACTION, action_for
from insights.advice.upcoming import advice
from insights.contacts.effect_words import in_words

NOT_SCORED = "This tutor has not been scored yet, so nothing can be recommended."
WITHHELD_SUMMARY = f"{WITHHELD}: nothing is recommended about upcoming sessions."
RECOMMENDED = "Recommended actions, the most urgent first."
NOTHING = "Nothing to do now: no risk of this tutor or of the sessions of the next two days requires attention."


@dataclass(frozen=True)
class Recommendation:
    """One recommended action about the subject of a score.

    `starts_at` is the start of a session, None for a tutor. `measured_effect` is the effect of such contacts so far,
    in words; None before any measurement.
    """

    score: Score
    starts_at: datetime | None
    action: str
    measured_effect: str | None


@dataclass(frozen=True)
class ScoredSession:
    """An upcoming session with its risk. `is_listed`: the tutor is to be contacted on its day."""

    score: Score
    starts_at: datetime
    is_listed: bool


EffectOf = Callable[[str | None], Effect | None]
"""Returns the measured effect of an action, None before any measurement."""


def recommend(scores: Iterable[Score], sessions: Iterable[ScoredSession], effect_of: EffectOf) -> list[Recommendation]:
    """Recommendations about a tutor's own risks and upcoming sessions, highest risk first.

    Nothing is recommended about scores whose advice is withheld (`domain.disclosure`).
    """
    about_tutor = (_of_tutor(score, effect_of) for score in scores if not is_withheld(score))
    about_sessions = (_of_session(session, effect_of) for session in sessions if not is_withheld(session.score))
    found = [one for one in (*about_tutor, *about_sessions) if one is not None]
    return sorted(found, key=lambda one: -one.score.value)


def summary(recommendations: Sequence[Recommendation], is_scored: bool, withheld: bool) -> str:
    """One sentence about a tutor's recommendations, or why there are none."""
    if not is_scored:
        return NOT_SCORED
    if withheld:
        return WITHHELD_SUMMARY
    return RECOMMENDED if recommendations else NOTHING


def _is_no_show(score: Score) -> bool:
    return score.kind is ScoreKind.NO_SHOW_14D


def _of_tutor(score: Score, effect_of: EffectOf) -> Recommendation | None:
    action = action_for(score)
    if action == NO_ACTION:
        return None
    effect = effect_of(action) if _is_no_show(score) else None
    return Recommendation(score, None, action, in_words(effect) if effect else None)


def _of_session(session: ScoredSession, effect_of: EffectOf) -> Recommendation | None:
    score = session.score
    advised = advice(score.value, score.action, session.is_listed, effect_of(score.action))
    if advised.action == NO_ACTION:
        return None
    return Recommendation(score, session.starts_at, advised.action, advised.effect)
