"""Recommended action for a risk, by the theme of its strongest reason. A proposal to a person; nothing acts on it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from domain.scores import Reason, Score
from domain.vocabulary import Band, ScoreKind

NO_SHOW_ACTIONS: Mapping[str, str] = MappingProxyType(
    {
        "no-shows": "Call to confirm the next sessions; keep a substitute ready",
        "cancellations": "Agree on the notice that a cancellation needs; confirm the day before",
        "lateness": "Confirm the next sessions the day before; agree on starting on time",
        "reschedules": "Go through the calendar together and move slots that are rescheduled again and again",
        "silence": "Write today and ask for a confirmation of the next session",
        "time of session": "Offer hours other than those that are missed",
        "pair": "Introduce tutor and student again; confirm the next session with both",
        "load": "Take sessions off this week's calendar",
        "tenure": "Pair with an experienced tutor for the first weeks",
        "activity": "Check that the tutor is still available before the next session",
        "no history": "Confirm the first session with the tutor",
    }
)

CHURN_ACTIONS: Mapping[str, str] = MappingProxyType(
    {
        "quality": "Review the last first sessions together; offer coaching",
        "load": "Ask whether the number of sessions fits; offer more or fewer",
        "silence": "Call and ask how things are going",
        "attention": "Call: the platform has not contacted the tutor lately",
        "tenure": "Check in on the first weeks; answer open questions",
        "reschedules": "Ask what makes the agreed hours hard to keep",
        "activity": "Ask about availability and offer new students",
        "no-shows": "Ask what kept the tutor from the missed sessions",
        "lateness": "Ask what makes it hard to start on time; leave room between sessions",
        "cancellations": "Ask about the reasons for the late cancellations",
    }
)

DEFAULT_ACTION = "Call and ask how things are going"
NO_ACTION = "Nothing now"


def action_for(score: Score) -> str:
    """Return the action for the strongest reason that raises the score; `NO_ACTION` in the band OK."""
    if score.band is Band.OK:
        return NO_ACTION
    actions = CHURN_ACTIONS if score.kind is ScoreKind.CHURN_30D else NO_SHOW_ACTIONS
    themes = [r.theme for r in score.reasons if r.effect > 0]
    return next((actions[t] for t in themes if t in actions), DEFAULT_ACTION)


def contact_action(reasons: Sequence[Reason]) -> str:
    """Return the action for the first reason that raises the risk of a session."""
    raising = (reason.theme for reason in reasons if reason.effect > 0)
    return next((NO_SHOW_ACTIONS[theme] for theme in raising if theme in NO_SHOW_ACTIONS), DEFAULT_ACTION)
