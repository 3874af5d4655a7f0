"""What to do about a session that may be missed, and what doing it is expected to change."""

from dataclasses import dataclass

from domain.interventions import Effect, Verdict
from domain.scores import band, percent
from domain.vocabulary import Band
from insights.advice.actions import DEFAULT_ACTION, NO_ACTION

NOT_LISTED = "Not on the day's contact list"
"""Said alike of those for whom the day has no room and those left out by chance: who is which is not shown."""

NOT_MEASURED = "effect not measured yet"
TOO_FEW = "effect not known yet: too few contacts to say"
UNCLEAR = "no clear effect of such contacts so far"
HARMS = "after such contacts more was missed, not less: ask before you act"


@dataclass(frozen=True)
class Advice:
    """What to do about a session, and what that is expected to change; empty where there is nothing to do."""

    action: str
    effect: str

    @property
    def tells_why(self) -> bool:
        """Whether reasons and changes may be told beside it: of whoever is left alone they would be advice, too."""
        return self.action != NOT_LISTED


def advice(risk: float, action: str | None, listed: bool | None, effect: Effect | None) -> Advice:
    """Advice on a session of a risk in 0..1.

    `listed`: whether its tutor is on the contact list of the day, None while the day has none. Whoever is not, is left
    alone: a recommendation would undo the comparison that measures the effect.
    """
    if band(risk) is Band.OK and not listed:
        return Advice(NO_ACTION, "")
    if listed is False:
        return Advice(NOT_LISTED, "")
    return Advice(action or DEFAULT_ACTION, expected_effect(risk, effect))


def expected_effect(risk: float, effect: Effect | None) -> str:
    """What a contact is expected to make of a risk (0..1), with the interval of the measured effect, in words."""
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
