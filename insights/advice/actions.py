"""Recommended actions, by the themes of the reasons of a score. A proposal to a person; nothing acts on it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from domain.score_kinds import SCORE_KINDS
from domain.scores import Reason, Score
from domain.vocabulary import Band, ScoreKind


@dataclass(frozen=True)
class Step:
    """One thing to do: how and by when, and what."""

    when: str
    what: str

    def __str__(self) -> str:
        return f"{self.when}: {self.what}"


NO_SHOW_STEPS: Mapping[str, Step] = MappingProxyType(
    {
        "no-shows": Step("Call today", "confirm the next sessions and name a substitute"),
        "recent no-shows": Step("Call today", "ask what happened in the missed sessions and confirm the next ones"),
        "no-shows at this time": Step("Call today", "offer other hours than those that are missed"),
        "no-shows with this student": Step(
            "Call today", "confirm the session with tutor and student, or swap the tutor"
        ),
        "cancellations": Step("Call today", "agree on the notice of a cancellation and confirm the next sessions"),
        "lateness": Step("Write the day before", "confirm the start and agree on time to prepare"),
        "reschedules": Step("Call this week", "go through the calendar and fix the slots that keep moving"),
        "moves of this session": Step("Write today", "confirm the new time with tutor and student"),
        "silence": Step("Write today", "ask for a confirmation of the next session"),
        "time of session": Step("Call this week", "offer hours that suit the tutor better"),
        "pair": Step("Write before the session", "introduce tutor and student and confirm with both"),
        "load": Step("Call this week", "take sessions off the calendar"),
        "bookings around it": Step("Write today", "offer to move a session next to this one"),
        "tenure": Step("Call this week", "ask which support is missing"),
        "activity": Step("Write today", "ask whether the tutor is available for the next session"),
        "no history": Step("Call before the first session", "confirm it and go through the first steps"),
    }
)
"""Step about missed sessions by theme."""

CHURN_STEPS: Mapping[str, Step] = MappingProxyType(
    {
        "quality": Step("Call this week", "review the last first sessions together and offer coaching"),
        "load": Step("Call this week", "ask whether the number of sessions fits, offer more or fewer"),
        "activity": Step("Call this week", "ask about availability and offer new students"),
        "silence": Step("Call today", "ask how things are going"),
        "attention": Step("Call this week", "ask what the tutor needs from us"),
        "tenure": Step("Call this week", "ask which support is missing and answer open questions"),
        "reschedules": Step("Call this week", "ask what makes the agreed hours hard to keep"),
        "no-shows": Step("Call today", "ask what kept the tutor from the missed sessions"),
        "lateness": Step("Write today", "ask what makes it hard to start on time"),
        "cancellations": Step("Call this week", "ask about the reasons for the late cancellations"),
    }
)
"""Step about leaving by theme."""

DEFAULT_STEP = Step("Call this week", "ask how things are going")
DEFAULT_ACTION = str(DEFAULT_STEP)
NO_ACTION = "Nothing now"


def action_for(score: Score) -> str:
    """Return the steps for the reasons that make the score worse, first reason first; `NO_ACTION` in the band OK.

    The first step says how and by when.
    """
    return NO_ACTION if score.band is Band.OK else agenda(steps(score.kind, score.reasons))


def agenda(planned: Iterable[Step]) -> str:
    """Return steps as one action, each once: "Call today: confirm the next sessions; offer other hours"."""
    first, *more = dict.fromkeys(planned) or [DEFAULT_STEP]
    return "; ".join([str(first), *(step.what for step in more)])


def steps(kind: ScoreKind, reasons: Sequence[Reason]) -> list[Step]:
    """Return the steps for those reasons of a score that make it worse and can be acted on."""
    by_theme = NO_SHOW_STEPS if SCORE_KINDS[kind].concerns_no_shows else CHURN_STEPS
    sign = -1 if SCORE_KINDS[kind].low_is_bad else 1
    return [by_theme[reason.theme] for reason in reasons if sign * reason.effect > 0 and reason.theme in by_theme]


def contact_action(reasons: Sequence[Reason]) -> str:
    """Return the step for the first reason that raises the risk of a session and can be acted on.

    One step, because the effect of contacts is measured for each action.
    """
    return str(next(iter(steps(ScoreKind.NO_SHOW, reasons)), DEFAULT_STEP))
