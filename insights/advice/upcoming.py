"""Advice about an upcoming session: the recommended action and its expected effect."""

from dataclasses import dataclass

from domain.interventions import Effect, Verdict
from domain.scores import band, percent
from domain.vocabulary import Band
from insights.advice.actions import DEFAULT_ACTION, NO_ACTION

NOT_MEASURED = "effect not measured yet"
TOO_FEW = "effect not known yet: too few contacts"
UNCLEAR = "no clear effect of such contacts so far"
HARMS = "such contacts increased missed sessions so far: ask before you act"


@dataclass(frozen=True)
class Advice:
    """Proposed action about a session and its expected effect; no effect where there is nothing to do."""

    action: str
    effect: str


def advice(
    risk: float, action: str | None, is_listed: bool, effect: Effect | None, withheld: str | None = None
) -> Advice:
    """Advice on a session of a risk in 0..1.

    `is_listed`: the tutor is on the contact list of the session's day. `withheld`: the sentence shown in place of
    advice (`domain.disclosure`).
    """
    if withheld is not None:
        return Advice(withheld, "")
    if band(risk) is Band.OK and not is_listed:
        return Advice(NO_ACTION, "")
    return Advice(action or DEFAULT_ACTION, expected_effect(risk, effect))


def expected_effect(risk: float, effect: Effect | None) -> str:
    """Word the risk (0..1) expected after a contact, with the interval of the measured effect."""
    if effect is None:
        return NOT_MEASURED
    if effect.relative is None or effect.verdict is Verdict.TOO_FEW:
        return TOO_FEW
    if effect.verdict is Verdict.HARMS:
        return HARMS
    if effect.verdict is Verdict.UNCLEAR:
        return UNCLEAR
    shares = (effect.relative.value, effect.relative.high, effect.relative.low)
    after, best, worst = (percent(risk * (1 - min(share, 1))) for share in shares)
    return f"risk {percent(risk)} → {after} expected (95 % interval {best} to {worst})"
