"""What events say of sessions: how each stands, since when that is known, and how often it was moved."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from domain.errors import InvalidEvent
from domain.events.events import (
    Event,
    SessionCancelled,
    SessionCompleted,
    SessionEvent,
    SessionRescheduled,
    StudentDeleted,
    TranscriptReady,
    status_of,
)
from domain.events.order import SESSION_EVENTS, Arrived, E, Standing, only
from domain.events.rules import wrong_attributes
from domain.events.types import AttributeValue
from domain.vocabulary import AttributeType, SessionStatus
from store.db.bulk_rows import each, write
from store.facts.export_moments import export_moments

SESSION, ATTRIBUTES = "session", "session attributes"
"""Kinds of thing in `latest_events`."""

_LATEST = text("""
    SELECT l.kind, l.id, l.happened_at, l.event_id
    FROM unnest(CAST(:kinds AS text[]), CAST(:ids AS text[])) AS asked (kind, id)
    JOIN latest_events AS l USING (kind, id)
""")
_STANDING = text("SELECT session_id, tutor_id, status, outcome_known_at FROM sessions WHERE session_id = ANY (:ids)")
_STATE = """
    session_id text, tutor_id text, student_id text, booked_at timestamptz, starts_at timestamptz, ends_at timestamptz,
    status text, outcome_known_at timestamptz, initiated_by text, late_minutes double precision,
    duration_minutes double precision, rating double precision
"""
_NAMES = ", ".join(part.split()[0] for part in _STATE.split(","))
_CHANGED = ", ".join(f"{name} = excluded.{name}" for name in _NAMES.split(", ")[1:])
_PUT_SESSIONS = text(f"""
    INSERT INTO sessions ({_NAMES}, scheduled_at) SELECT r.*, r.booked_at FROM {each(_STATE)}
    ON CONFLICT (session_id) DO UPDATE SET
        {_CHANGED}, scheduled_at = greatest(sessions.scheduled_at, excluded.booked_at)
""")
_PUT_KNOWN = text(f"""
    UPDATE sessions SET outcome_known_at = r.outcome_known_at
    FROM {each("session_id text, outcome_known_at timestamptz")} WHERE sessions.session_id = r.session_id
""")
_PUT_ATTRIBUTES = text(f"""
    UPDATE sessions SET attributes = r.attributes
    FROM {each("session_id text, attributes jsonb")} WHERE sessions.session_id = r.session_id
""")
_MOVE = """
    reschedule_id text, session_id text, tutor_id text, initiator text, requested_at timestamptz,
    old_starts_at timestamptz, new_starts_at timestamptz, reason_text text, reason_code text
"""
_MOVE_NAMES = ", ".join(part.split()[0] for part in _MOVE.split(","))
_MOVE_CHANGED = ", ".join(f"{name} = excluded.{name}" for name in _MOVE_NAMES.split(", ")[1:])
_ADD_MOVES = text(f"""
    INSERT INTO reschedules ({_MOVE_NAMES}) SELECT r.* FROM {each(_MOVE)}
    ON CONFLICT (reschedule_id) DO UPDATE SET {_MOVE_CHANGED}
    WHERE excluded.requested_at > reschedules.requested_at
""")
_NOTE_MOVED = text(f"""
    UPDATE sessions SET scheduled_at = greatest(sessions.scheduled_at, r.at)
    FROM {each("session_id text, at timestamptz")} WHERE sessions.session_id = r.session_id
""")


class StoredSession(NamedTuple):
    """How a session stands before the batch."""

    tutor_id: str
    status: SessionStatus
    outcome_known_at: datetime | None


@dataclass(frozen=True)
class Deciding:
    """Which event was the latest about each thing so far, by kind and id, and which the batch brings."""

    stood: Mapping[tuple[str, str], Standing]
    sessions: Mapping[str, StoredSession]
    won: dict[tuple[str, str], Standing] = field(default_factory=dict)

    @classmethod
    def read(cls, connection: Connection, arrived: Iterable[Arrived[Event]]) -> "Deciding":
        """What is known of all that a batch is about."""
        keys = sorted({key for one in arrived for key in _keys(one.event)})
        ids = [key[1] for key in keys if key[0] == SESSION]
        rows = connection.execute(_STANDING, {"ids": ids}) if ids else ()
        sessions = {row.session_id: StoredSession(row.tutor_id, row.status, row.outcome_known_at) for row in rows}
        decided = {key for key, s in sessions.items() if s.status != SessionStatus.BOOKED}
        asked = {"kinds": [key[0] for key in keys], "ids": [key[1] for key in keys]}
        latest = connection.execute(_LATEST, asked).all()
        stood = {
            (row.kind, row.id): Standing(row.happened_at, row.kind == SESSION and row.id in decided, row.event_id)
            for row in latest
        }
        for key, moment in export_moments(connection, keys).items():
            place = Standing(moment, key[0] == SESSION and key[1] in decided, "")
            stood[key] = max(place, stood.get(key, place))
        return cls(stood, sessions)

    def latest(self, kind: str, about: Iterable[tuple[str, Arrived[E]]]) -> dict[str, Arrived[E]]:
        """Of events by the id of what they are about, those that say how it stands now; they are noted as `won`."""
        won: dict[str, Arrived[E]] = {}
        for name, one in about:
            # Only how a session stands can be told to be an outcome afterwards; of the rest the larger id decides.
            place = one.standing if kind == SESSION else one.standing._replace(decided=False)
            stands = self.won.get((kind, name)) or self.stood.get((kind, name)) or self._imported(kind, one)
            if stands is None or place > stands:
                won[name], self.won[kind, name] = one, place
        return won

    def _imported(self, kind: str, one: Arrived[Event]) -> Standing | None:
        """Where a session's outcome was imported, no booking of before it was known undoes that."""
        if kind != SESSION or not isinstance(one.event, SESSION_EVENTS) or one.standing.decided:
            return None
        session = self.sessions.get(one.event.data.session_id)
        known_at = session.outcome_known_at if session else None
        return Standing(known_at, True, "") if known_at else None


def _keys(event: Event) -> list[tuple[str, str]]:
    if isinstance(event, TranscriptReady):
        return [("transcript", event.data.session_id)]
    if isinstance(event, StudentDeleted):
        return []
    keys = [("tutor", event.data.tutor_id)]
    if isinstance(event, SESSION_EVENTS):
        keys += [(SESSION, event.data.session_id), (ATTRIBUTES, event.data.session_id)]
    return keys


@dataclass(frozen=True)
class AppliedSessions:
    """The tutors to whom sessions belonged before that are another's now, and the sessions said to have been held."""

    before: frozenset[str]
    completed: frozenset[str]


def check_attributes(event: Event, types: Mapping[str, AttributeType]) -> None:
    """Return if each attribute of a session that is known here is of its type. Raises InvalidEvent."""
    for rule in wrong_attributes(event, types):
        raise InvalidEvent(f"{rule.field} {rule.detail}")


def apply_sessions(
    connection: Connection, deciding: Deciding, arrived: Sequence[Arrived[Event]], attributes: frozenset[str]
) -> AppliedSessions:
    """Write how sessions stand and how they were moved; of their attributes, those with these names."""
    about = [(one.event.data.session_id, one) for one in only(arrived, *SESSION_EVENTS)]
    latest = deciding.latest(SESSION, about)
    known = _known_since(deciding.sessions, about, latest)
    write(connection, _PUT_SESSIONS, (_state(one, known.get(name)) for name, one in latest.items()))
    write(connection, _PUT_KNOWN, _known_earlier(deciding.sessions, known, latest))
    given = ((name, one) for name, one in about if one.event.data.attributes)
    said = deciding.latest(ATTRIBUTES, given).items()
    write(connection, _PUT_ATTRIBUTES, (_attributes(name, one.event.data.attributes, attributes) for name, one in said))
    _add_moves(connection, only(arrived, SessionRescheduled))
    before = {session.tutor_id for session in deciding.sessions.values()}  # a late event, too, leaves its reschedule
    completed = {one.event.data.session_id for one in only(arrived, SessionCompleted)}
    return AppliedSessions(frozenset(before), frozenset(completed))


def _state(one: Arrived[SessionEvent], known_since: datetime | None) -> dict[str, Any]:
    event, data = one.event, one.event.data
    held = event.data if isinstance(event, SessionCompleted) else None
    return {
        "session_id": data.session_id,
        "tutor_id": data.tutor_id,
        "student_id": data.student_id,
        "booked_at": one.by_our_clock(data.booked_at),
        "starts_at": data.starts_at,
        "ends_at": data.ends_at,
        "status": status_of(event),
        "outcome_known_at": known_since,
        "initiated_by": event.data.initiated_by if isinstance(event, SessionCancelled) else None,
        "late_minutes": held.late_minutes if held else None,
        "duration_minutes": held.duration_minutes if held else None,
        "rating": held.rating if held else None,
    }


def _known_since(
    stored: Mapping[str, StoredSession],
    about: Iterable[tuple[str, Arrived[SessionEvent]]],
    latest: Mapping[str, Arrived[SessionEvent]],
) -> dict[str, datetime | None]:
    """Since when the present outcome of each session is known: when the first event came that said so.

    A correction from one outcome to another is known from the correction on: before it, we believed the other.
    """
    status = {name: session.status for name, session in stored.items()}
    status |= {name: status_of(one.event) for name, one in latest.items()}
    known = {name: s.outcome_known_at if s.status == status[name] else None for name, s in stored.items()}
    for name, one in about:
        if status_of(one.event) == status[name] != SessionStatus.BOOKED:
            known[name] = min(known.get(name) or one.received_at, one.received_at)
    return known


def _known_earlier(
    stored: Mapping[str, StoredSession], known: Mapping[str, datetime | None], latest: Collection[str]
) -> Iterable[dict[str, Any]]:
    """Sessions that stand as before, of whose outcome an event was received before the one applied first."""
    for name, session in stored.items():
        if name not in latest and known[name] != session.outcome_known_at:
            yield {"session_id": name, "outcome_known_at": known[name]}


def _attributes(session_id: str, said: Mapping[str, AttributeValue], names: frozenset[str]) -> dict[str, Any]:
    kept = {name: value for name, value in said.items() if name in names and value is not None}
    return {"session_id": session_id, "attributes": kept}


def _add_moves(connection: Connection, moved: Sequence[Arrived[SessionRescheduled]]) -> None:
    """Keep every reschedule, and when each session's present start became known: its booking or its last move."""
    by_id: dict[str, tuple[datetime, dict[str, Any]]] = {}
    last: dict[str, datetime] = {}
    for one in moved:
        row, at = _move(one), one.by_our_clock(one.event.timestamp)
        if row["reschedule_id"] not in by_id or at > by_id[row["reschedule_id"]][0]:
            by_id[row["reschedule_id"]] = at, row
        last[row["session_id"]] = max(last.get(row["session_id"], at), at)
    write(connection, _ADD_MOVES, (row for _, row in by_id.values()))
    write(connection, _NOTE_MOVED, ({"session_id": name, "at": at} for name, at in last.items()))


def _move(one: Arrived[SessionRescheduled]) -> dict[str, Any]:
    data = one.event.data
    return {
        "reschedule_id": data.reschedule_id or one.event_id,
        "session_id": data.session_id,
        "tutor_id": data.tutor_id,
        "initiator": data.initiator,
        "requested_at": one.by_our_clock(one.event.timestamp),
        "old_starts_at": data.old_starts_at,
        "new_starts_at": data.starts_at,
        "reason_text": data.reason_text,
        "reason_code": data.reason_code,
    }
