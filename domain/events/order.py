"""Which of several events about one thing says how it stands, and which event cannot be used at all."""

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
"""The types of event that say how a session stands."""


_MOST_NAME = 100

E = TypeVar("E", bound=Event)
E_co = TypeVar("E_co", bound=Event, covariant=True)


class Standing(NamedTuple):
    """The place of an event among those about the same thing; the largest says how it stands.

    At the same moment an outcome stands before a booking, then the larger id.
    """

    happened_at: datetime
    decided: bool
    event_id: str


@dataclass(frozen=True)
class Arrived(Generic[E_co]):
    """An event as the inbox holds it: the number of its row, and when it came."""

    row: int
    event: E_co
    received_at: datetime

    @property
    def event_id(self) -> str:
        """The event's own id, which the inbox has filled in where it was left out."""
        return self.event.id or ""

    def by_our_clock(self, moment: datetime) -> datetime:
        """A moment at which something was done, which cannot lie after we were told of it.

        The sender's clock may be a little ahead; a score of now would not see what is said to be done later.
        """
        return self.received_at if self.received_at < moment <= self.received_at + CLOCK_SKEW else moment

    @property
    def standing(self) -> Standing:
        """Its place among the events about the same thing."""
        decided = isinstance(self.event, SESSION_EVENTS) and status_of(self.event) is not SessionStatus.BOOKED
        return Standing(self.event.timestamp, decided, self.event_id)


def only(arrived: Iterable[Arrived[Any]], *types: type[E]) -> list[Arrived[E]]:
    """Those events that are of one of these types."""
    return [one for one in arrived if isinstance(one.event, types)]


@cache
def _events() -> TypeAdapter[Event]:
    return TypeAdapter(Event)


def read_event(body: Any) -> Event:
    """An event from its JSON. Raises InvalidEvent naming fields, never what stands in them."""
    try:
        return _events().validate_python(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        fields = [f"{_named(each['loc'][1:])}: {each['msg'].removeprefix('Value error, ')}" for each in found[:5]]
        raise InvalidEvent(f"the event cannot be read: {'; '.join(fields)}") from None


def _named(place: tuple[int | str, ...]) -> str:
    """A field, whose name may be anything: no more of it than a line of a log and a text of PostgreSQL can hold."""
    name = ".".join(str(part)[:_MOST_NAME] for part in place) or "type"
    return "".join(character if character.isprintable() else "\ufffd" for character in name)
