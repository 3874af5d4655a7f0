"""Precedence among events about the same record, whatever their order of arrival, and parsing of events."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
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
    StudentDeleted,
    TranscriptReady,
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


class Precedence(NamedTuple):
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
    def precedence(self) -> Precedence:
        """Precedence among the events about the same record."""
        decided = isinstance(self.event, SESSION_EVENTS) and status_of(self.event) is not SessionStatus.BOOKED
        return Precedence(self.event.timestamp, decided, self.event_id)


def only(arrived: Iterable[Arrived[Any]], *types: type[E]) -> list[Arrived[E]]:
    """The events of the given types."""
    return [one for one in arrived if isinstance(one.event, types)]


class RecordKind(StrEnum):
    """Kind of record whose latest event is stored. Attributes of a session have a latest event of their own."""

    TUTOR = "tutor"
    SESSION = "session"
    SESSION_ATTRIBUTES = "session attributes"
    TRANSCRIPT = "transcript"


RecordKey = tuple[str, str]
"""Kind and id of a record."""


class StoredSession(NamedTuple):
    """Stored state of a session before a batch of events."""

    tutor_id: str
    status: SessionStatus
    outcome_known_at: datetime | None


@dataclass(frozen=True)
class LatestEvents:
    """Precedence of the latest event about each record: stored before a batch, and new with the batch."""

    stored: Mapping[RecordKey, Precedence]
    sessions: Mapping[str, StoredSession]
    new: dict[RecordKey, Precedence] = field(default_factory=dict)

    def select(self, kind: RecordKind, about: Iterable[tuple[str, Arrived[E]]]) -> dict[str, Arrived[E]]:
        """From pairs of record id and event, the events that determine the state now; also recorded in `new`."""
        selected: dict[str, Arrived[E]] = {}
        for record_id, one in about:
            # Only the state of a session can be an outcome; for other records the larger id wins at equal moments.
            precedence = one.precedence if kind is RecordKind.SESSION else one.precedence._replace(decided=False)
            key = kind.value, record_id
            latest = self.new.get(key) or self.stored.get(key) or self._imported_outcome(kind, one)
            if latest is None or precedence > latest:
                selected[record_id], self.new[key] = one, precedence
        return selected

    def _imported_outcome(self, kind: RecordKind, one: Arrived[Event]) -> Precedence | None:
        """Precedence of an imported outcome: no booking from before it was known reverts it."""
        if kind is not RecordKind.SESSION or not isinstance(one.event, SESSION_EVENTS) or one.precedence.decided:
            return None
        session = self.sessions.get(one.event.data.session_id)
        known_at = session.outcome_known_at if session else None
        return Precedence(known_at, True, "") if known_at else None


def record_keys(event: Event) -> list[RecordKey]:
    """Keys of the records that an event is about."""
    if isinstance(event, TranscriptReady):
        return [(RecordKind.TRANSCRIPT.value, event.data.session_id)]
    if isinstance(event, StudentDeleted):
        return []
    keys = [(RecordKind.TUTOR.value, event.data.tutor_id)]
    if isinstance(event, SESSION_EVENTS):
        kinds = RecordKind.SESSION, RecordKind.SESSION_ATTRIBUTES
        keys += [(kind.value, event.data.session_id) for kind in kinds]
    return keys


def outcomes_known_at(
    stored: Mapping[str, StoredSession],
    about: Iterable[tuple[str, Arrived[SessionEvent]]],
    latest: Mapping[str, Arrived[SessionEvent]],
) -> dict[str, datetime | None]:
    """Moment at which the present outcome of each session became known: receipt of the first event that reported it.

    `latest` are the events that determine the state. A correction from one outcome to another is known from the
    correction on, since the other outcome was believed before.
    """
    status = {session_id: session.status for session_id, session in stored.items()}
    status |= {session_id: status_of(one.event) for session_id, one in latest.items()}
    known = {
        session_id: session.outcome_known_at if session.status == status[session_id] else None
        for session_id, session in stored.items()
    }
    for session_id, one in about:
        if status_of(one.event) == status[session_id] != SessionStatus.BOOKED:
            known[session_id] = min(known.get(session_id) or one.received_at, one.received_at)
    return known


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
