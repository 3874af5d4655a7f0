"""Display texts of the pages: bands, score kinds, percentages, local times."""

from datetime import datetime

from domain.score_kinds import SCORE_KINDS
from domain.scores import Score, percent
from domain.time_zones import on_clock_of
from domain.vocabulary import Band, SessionStatus, Task
from store.scores.ranking import Risk

BANDS = {Band.ACT: "Act now", Band.WATCH: "Watch", Band.OK: "OK"}
SIGNS = {Band.ACT: "▲", Band.WATCH: "◆", Band.OK: "●"}
"""A shape beside each colour, for colour-blind readers."""

KINDS = {kind: described.title for kind, described in SCORE_KINDS.items()}
TASKS = {Task.NO_SHOW: "Missed sessions", Task.CHURN: "Leaving"}
STATUSES = {
    SessionStatus.BOOKED: "Booked",
    SessionStatus.COMPLETED: "Completed",
    SessionStatus.NO_SHOW: "No-show",
    SessionStatus.STUDENT_NO_SHOW: "Student absent",
    SessionStatus.CANCELLED: "Cancelled",
}
NOTHING = "–"


def percent_of(risk: Risk | Score | None) -> str:
    """A risk in percent; a dash for none."""
    return NOTHING if risk is None else percent(risk.value)


def minutes(value: float | None) -> str:
    """A delay in whole minutes; a dash for none."""
    return NOTHING if not value else f"{value:.0f} min"


def local_time(moment: datetime, zone: str) -> str:
    """A moment in the local time of a zone; UTC for an unknown zone."""
    return on_clock_of(moment, zone).strftime("%a %d %b %Y, %H:%M")
