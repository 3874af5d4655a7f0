"""Rule for withholding reasons and advice about no-shows while a contact plan leaves a tutor uncontacted.

Contacts are measured against a holdout (docs/contacts.md). Advice about a held-out tutor would undo the comparison,
and so would a sign of who is held out: a tutor in the holdout and a tutor of equal risk for whom the day had no room
are treated alike. Value, interval, band and order are always shown. Churn, rates and quality are not what contacts
are about; their reasons and advice stay, for both arms.

The rule is part of the domain because every query of `store` that reads scores applies it: no route, page or command
sees what it must not show.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from domain.horizons import WATCH_RISK
from domain.interventions import Arm
from domain.score_kinds import SCORE_KINDS
from domain.scores import Score
from domain.vocabulary import ScoreKind

WITHHELD = "Not on the day's contact list"
"""Shown in place of advice. It does not distinguish the holdout from tutors for whom the day had no room."""


@dataclass(frozen=True)
class Assignment:
    """Arm of a tutor on the day of one booked session, where that day has a contact plan.

    `arm` is None for a tutor who was not drawn into either arm. `risk` is the session's newest no-show risk (0..1),
    None before it is scored. `lowest_drawn` is the least risk a tutor was drawn with that day, each tutor counted by
    the riskiest session; None for an empty plan.
    """

    session_id: str
    arm: Arm | None
    risk: float | None
    lowest_drawn: float | None

    @property
    def withholds(self) -> bool:
        """Whether the tutor must not be advised about no-shows."""
        if self.arm is not None:
            return self.arm is Arm.HOLDOUT
        # Not drawn: withheld wherever a held-out tutor could have this risk, so that the holdout does not stand out.
        threshold = WATCH_RISK if self.lowest_drawn is None else min(WATCH_RISK, self.lowest_drawn)
        return self.risk is not None and self.risk >= threshold


def withheld(kind: ScoreKind, subject_id: str, assignments: Iterable[Assignment]) -> str | None:
    """The sentence shown in place of reasons and advice; None where they may be shown.

    `assignments` are those of the tutor's coming sessions. A session's risk depends on its own day alone, a tutor's
    on every one of them.
    """
    if not SCORE_KINDS[kind].concerns_no_shows:
        return None
    concerned = (each for each in assignments if kind is not ScoreKind.NO_SHOW or each.session_id == subject_id)
    return WITHHELD if any(each.withholds for each in concerned) else None


def disclosed(score: Score, assignments: Iterable[Assignment]) -> Score:
    """The score as it may be shown: where they are withheld, no reasons and no what-if, and the sentence as action."""
    if score.kind is ScoreKind.NO_SHOW:
        assignments = (replace(each, risk=score.value) for each in assignments)
    return without_advice(score) if withheld(score.kind, score.subject_id, assignments) else score


def is_withheld(score: Score) -> bool:
    """Whether reasons and advice were taken from a score."""
    return score.action == WITHHELD


def without_advice(score: Score) -> Score:
    """The score without reasons and what-if, and with the sentence that they are withheld as its action."""
    return score.model_copy(update={"reasons": (), "what_if": None, "action": WITHHELD})
