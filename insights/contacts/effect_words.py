"""Sentence about a measured effect of contacts."""

from domain.interventions import ArmCount, Effect, Estimate, Verdict
from domain.scores import percent
from insights.contacts.effect import MIN_NO_SHOWS, MIN_TUTORS

NEEDED = f"Each side needs {MIN_NO_SHOWS} no-shows and {MIN_TUTORS} tutors."


def in_words(effect: Effect) -> str:
    """Word the verdict with estimates and intervals; with too few no-shows, the counts and the minimum."""
    if effect.verdict is Verdict.TOO_FEW:
        return f"Too few to say: {_seen(effect.contacted)} contacted, {_seen(effect.held_out)} held out. {NEEDED}"
    parts = [_prevented_share(effect), _difference(effect), _prevented_of_100(effect)]
    return f"{effect.verdict.capitalize()}: {'; '.join(part for part in parts if part)}."


def _seen(arm: ArmCount) -> str:
    return f"{arm.no_shows} no-shows of {arm.tutors} tutors in {arm.sessions} sessions"


def _prevented_share(effect: Effect) -> str:
    if effect.relative is None:
        return ""
    ends = _ends(effect.relative)
    return f"{percent(effect.relative.value)} of no-shows prevented ({percent(effect.level)} interval {ends})"


def _difference(effect: Effect) -> str:
    if effect.absolute is None:
        return ""
    return f"{percent(effect.absolute.value)} of sessions ({_ends(effect.absolute)})"


def _ends(share: Estimate) -> str:
    return f"{percent(share.low)} to {percent(share.high)}"


def _prevented_of_100(effect: Effect) -> str:
    if effect.per_100 is None:
        return ""
    return f"{effect.per_100.value:.1f} by 100 contacts ({effect.per_100.low:.1f} to {effect.per_100.high:.1f})"
