"""Rules for sessions that can be predicted: still to come, with plausible times and known attributes."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from domain.errors import NotUpcoming
from domain.events.rules import BrokenRule
from domain.events.types import AttributeValue
from domain.vocabulary import AttributeType, SessionStatus

_ONLY_UPCOMING = "only upcoming sessions are predicted"


def check_upcoming(session_id: str, status: str, starts_at: datetime, now: datetime) -> None:
    """Raise NotUpcoming unless the session is booked and starts after `now`."""
    if status != SessionStatus.BOOKED:
        raise NotUpcoming(f"session {session_id!r} is {status}: {_ONLY_UPCOMING}")
    if starts_at <= now:
        raise NotUpcoming(f"session {session_id!r} has started: {_ONLY_UPCOMING}")


def broken_times(starts_at: datetime, booked_at: datetime | None, now: datetime) -> Iterator[BrokenRule]:
    """Rules that the times of a described session break."""
    if starts_at <= now:
        yield BrokenRule("starts_at", f"is in the past: {_ONLY_UPCOMING}")
    if booked_at is not None and booked_at > min(now, starts_at):
        yield BrokenRule("booked_at", "is after now or after the start")


def broken_attributes(values: Mapping[str, AttributeValue], types: Mapping[str, AttributeType]) -> Iterator[BrokenRule]:
    """Attributes of a described session that are unknown or of another type than declared."""
    for name, value in values.items():
        if name not in types:
            known = ", ".join(sorted(types)) or "none"
            yield BrokenRule(f"attributes.{name}", f"is not an attribute of sessions; known attributes: {known}")
        elif value is not None and isinstance(value, float) is not (types[name] is AttributeType.NUMERIC):
            yield BrokenRule(f"attributes.{name}", f"must be {types[name]}")
