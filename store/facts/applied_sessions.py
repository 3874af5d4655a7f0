"""Writing of session events: state, moment at which the outcome became known, reschedules (`domain.events.order`)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from domain.errors import InvalidEvent
from domain.events.events import (
    Event,
    SessionCancelled,
    SessionCompleted,
    SessionEvent,
    SessionRescheduled,
    status_of,
)
from domain.events.order import (
    SESSION_EVENTS,
    Arrived,
    LatestEvents,
    Precedence,
    RecordKey,
    RecordKind,
    StoredSession,
    only,
    outcomes_known_at,
    record_keys,
)
from domain.events.rules import wrong_attributes
from domain.events.types import AttributeValue
from domain.vocabulary import AttributeType, SessionStatus
from store.db.bulk_rows import each, write
from store.facts.export_moments import export_moments

_LATEST = text("""
    SELECT l.kind, l.id, l.happened_at, l.event_id
    FROM unnest(CAST(:kinds AS text[]), CAST(:ids AS text[])) AS requested (kind, id)
    JOIN latest_events AS l USING (kind, id)
""")
_SESSIONS = text("SELECT session_id, tutor_id, status, outcome_known_at FROM sessions WHERE session_id = ANY (:ids)")
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


def read_latest_events(connection: Connection, arrived: Iterable[Arrived[Event]]) -> LatestEvents:
    """The stored latest events about all records of a batch. An import counts as an event at the export's moment."""
    keys = sorted({key for one in arrived for key in record_keys(one.event)})
    ids = [key[1] for key in keys if key[0] == RecordKind.SESSION]
    rows = connection.execute(_SESSIONS, {"ids": ids}) if ids else ()
    sessions = {row.session_id: StoredSession(row.tutor_id, row.status, row.outcome_known_at) for row in rows}
    decided = {session_id for session_id, session in sessions.items() if session.status != SessionStatus.BOOKED}

    def precedence(key: RecordKey, happened_at: datetime, event_id: str) -> Precedence:
        return Precedence(happened_at, key[0] == RecordKind.SESSION and key[1] in decided, event_id)

    latest = connection.execute(_LATEST, {"kinds": [key[0] for key in keys], "ids": [key[1] for key in keys]}).all()
    stored = {(row.kind, row.id): precedence((row.kind, row.id), row.happened_at, row.event_id) for row in latest}
    for key, moment in export_moments(connection, keys).items():
        imported = precedence(key, moment, "")
        stored[key] = max(imported, stored.get(key, imported))
    return LatestEvents(stored, sessions)


@dataclass(frozen=True)
class AppliedSessions:
    """Result of session events: the tutors the sessions belonged to before, and the sessions reported as completed."""

    previous_tutors: frozenset[str]
    completed: frozenset[str]


def check_attributes(event: Event, types: Mapping[str, AttributeType]) -> None:
    """Return if each known session attribute has its declared type. Raises InvalidEvent."""
    for rule in wrong_attributes(event, types):
        raise InvalidEvent(f"{rule.field} {rule.detail}")


def apply_sessions(
    connection: Connection, latest_events: LatestEvents, arrived: Sequence[Arrived[Event]], attributes: frozenset[str]
) -> AppliedSessions:
    """Write state and reschedules of sessions, and the attributes of these names."""
    about = [(one.event.data.session_id, one) for one in only(arrived, *SESSION_EVENTS)]
    stored = latest_events.sessions
    states = latest_events.select(RecordKind.SESSION, about)
    known = outcomes_known_at(stored, about, states)
    write(connection, _PUT_SESSIONS, (_state(one, known.get(session_id)) for session_id, one in states.items()))
    write(connection, _PUT_KNOWN, _known_earlier(stored, known, states))
    with_attributes = ((session_id, one) for session_id, one in about if one.event.data.attributes)
    latest = latest_events.select(RecordKind.SESSION_ATTRIBUTES, with_attributes).items()
    rows = (_attributes(session_id, one.event.data.attributes, attributes) for session_id, one in latest)
    write(connection, _PUT_ATTRIBUTES, rows)
    _add_moves(connection, only(arrived, SessionRescheduled))
    previous = {session.tutor_id for session in stored.values()}  # a late event also adds its reschedule
    completed = {one.event.data.session_id for one in only(arrived, SessionCompleted)}
    return AppliedSessions(frozenset(previous), frozenset(completed))


def _state(one: Arrived[SessionEvent], known_at: datetime | None) -> dict[str, Any]:
    event, data = one.event, one.event.data
    completed = event.data if isinstance(event, SessionCompleted) else None
    return {
        "session_id": data.session_id,
        "tutor_id": data.tutor_id,
        "student_id": data.student_id,
        "booked_at": one.by_our_clock(data.booked_at),
        "starts_at": data.starts_at,
        "ends_at": data.ends_at,
        "status": status_of(event),
        "outcome_known_at": known_at,
        "initiated_by": event.data.initiated_by if isinstance(event, SessionCancelled) else None,
        "late_minutes": completed.late_minutes if completed else None,
        "duration_minutes": completed.duration_minutes if completed else None,
        "rating": completed.rating if completed else None,
    }


def _known_earlier(
    stored: Mapping[str, StoredSession], known: Mapping[str, datetime | None], latest: Collection[str]
) -> Iterable[dict[str, Any]]:
    """Sessions whose state is unchanged but whose outcome was reported by an event received earlier."""
    for session_id, session in stored.items():
        if session_id not in latest and known[session_id] != session.outcome_known_at:
            yield {"session_id": session_id, "outcome_known_at": known[session_id]}


def _attributes(session_id: str, values: Mapping[str, AttributeValue], names: frozenset[str]) -> dict[str, Any]:
    kept = {name: value for name, value in values.items() if name in names and value is not None}
    return {"session_id": session_id, "attributes": kept}


def _add_moves(connection: Connection, moved: Sequence[Arrived[SessionRescheduled]]) -> None:
    """Store every reschedule, and when each session's current start became known: at its booking or last move."""
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
