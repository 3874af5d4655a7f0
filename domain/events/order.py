"""Precedence among events about the same record, and parsing of events."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import TypeAdapter, ValidationError

from domain.errors import InvalidEvent
from domain.events.events import (
    CLOCK_SKEW,
    Event,
    SessionBooked,
    SessionCancelled,
    SessionCompleted,
    SessionEvent,
    SessionNoShow,
    SessionRescheduled,
    status_of,
)
from domain.vocabulary import SessionStatus

SESSION_EVENTS: tuple[type[SessionEvent], ...] = (
    SessionBooked,
    SessionRescheduled,
    SessionCancelled,
    SessionCompleted,
    SessionNoShow,
)
"""Event types that carry the state of a session."""


_MOST_NAME = 100

E = TypeVar("E", bound=Event)
E_co = TypeVar("E_co", bound=Event, covariant=True)


class Standing(NamedTuple):
    """Precedence of an event among events about the same record; the largest one determines the state.

    At equal moments an outcome takes precedence over a booking, then the larger id wins.
    """

    happened_at: datetime
    decided: bool
    event_id: str


@dataclass(frozen=True)
class Arrived(Generic[E_co]):
    """An event as stored in the inbox, with the number of its row and its time of receipt."""

    row: int
    event: E_co
    received_at: datetime

    @property
    def event_id(self) -> str:
        """The event's id; the inbox has filled it in where the sender left it out."""
        return self.event.id or ""

    def by_our_clock(self, moment: datetime) -> datetime:
        """A moment reported by the sender, moved back to the time of receipt if it is later by at most CLOCK_SKEW.

        The sender's clock may be slightly ahead; a score as of now would not see an action dated later than now.
        """
        return self.received_at if self.received_at < moment <= self.received_at + CLOCK_SKEW else moment

    @property
    def standing(self) -> Standing:
        """Precedence among the events about the same record."""
        decided = isinstance(self.event, SESSION_EVENTS) and status_of(self.event) is not SessionStatus.BOOKED
        return Standing(self.event.timestamp, decided, self.event_id)


def only(arrived: Iterable[Arrived[Any]], *types: type[E]) -> list[Arrived[E]]:
    """The events of the given types."""
    return [one for one in arrived if isinstance(one.event, types)]


@cache
def _events() -> TypeAdapter[Event]:
    return TypeAdapter(Event)


def read_event(body: Any) -> Event:
    """Parse an event from JSON. Raises InvalidEvent that names fields, never their values."""
    try:
        return _events().validate_python(body)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False, include_context=False)[:5]
        fields = [f"{_named(one['loc'][1:])}: {one['msg'].removeprefix('Value error, ')}" for one in details]
        raise InvalidEvent(f"the event cannot be read: {'; '.join(fields)}") from None


def _named(place: tuple[int | str, ...]) -> str:
    """Path of a field, cut and made printable: the sender chooses the name, and logs and PostgreSQL must accept it."""
    name = ".".join(str(part)[:_MOST_NAME] for part in place) or "type"
    return "".join(character if character.isprintable() else "\ufffd" for character in name)
