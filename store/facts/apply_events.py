"""Writing of a batch of events into the tables: idempotent, and independent of the order of arrival.

The latest event about a record determines its state (`domain.events.order`); `latest_events` stores which it was. One
batch is applied at a time, so rows read here cannot change before they are written.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, text

from domain.errors import InvalidEvent
from domain.events.events import Event, MessageSent, StudentDeleted, TranscriptReady, TutorDeleted, TutorUpdated
from domain.events.order import SESSION_EVENTS, Arrived, LatestEvents, RecordKind, only
from domain.events.rules import check_event
from domain.policy import Principal, Role
from store.db.bulk_rows import add_ids, each, write
from store.db.engine import writing
from store.facts import attributes as stored_attributes
from store.facts.applied_sessions import apply_sessions, check_attributes, read_latest_events
from store.facts.erasure import erase
from store.facts.lock import hold_facts
from store.facts.tombstones import Sorted, ids_in, sort_out, wipe_late

_UPDATE_TUTORS = text(f"""
    UPDATE tutors SET
        name = r.name, email = r.email, timezone = r.timezone, started_at = r.started_at, departed_at = r.departed_at
    FROM {each("tutor_id text, name text, email text, timezone text, started_at timestamptz, departed_at timestamptz")}
    WHERE tutors.tutor_id = r.tutor_id
""")
_STAMP = text("UPDATE tutors SET history_stamp = gen_random_uuid() WHERE tutor_id = ANY (:ids)")
_COLUMNS = "message_id text, tutor_id text, student_id text, sent_at timestamptz, sender text, recipient text"
_ADD_MESSAGES = text(f"""
    INSERT INTO messages (message_id, tutor_id, student_id, sent_at, sender, recipient)
    SELECT r.* FROM {each(_COLUMNS)} ON CONFLICT DO NOTHING
""")
_ADD_TRANSCRIPTS = text(f"""
    INSERT INTO transcripts (session_id, known_at, text)
    SELECT r.* FROM {each("session_id text, known_at timestamptz, text text")}
    ON CONFLICT (session_id) DO UPDATE SET known_at = excluded.known_at, text = excluded.text
""")
_NOTE_LATEST = text(f"""
    INSERT INTO latest_events (id, kind, happened_at, event_id)
    SELECT r.* FROM {each("id text, kind text, happened_at timestamptz, event_id text")}
    ON CONFLICT (kind, id) DO UPDATE SET happened_at = excluded.happened_at, event_id = excluded.event_id
""")
_BY_EVENT = Principal("event", Role.INGEST)
"""Actor, in the audit log, of an erasure requested by an event."""


@dataclass(frozen=True)
class Applied:
    """Result of a batch.

    `tutors`: tutors whose scores may differ now, without erased ones. `completed`: sessions reported as completed.
    `rejected`: inbox rows that can never be applied, with the reason. `early`: inbox rows of transcripts whose session
    is not known yet.
    """

    tutors: frozenset[str] = frozenset()
    completed: frozenset[str] = frozenset()
    rejected: Mapping[int, str] = field(default_factory=dict)
    early: frozenset[int] = frozenset()


def apply(engine: Engine, arrived: Sequence[Arrived[Event]]) -> Applied:
    """Write a batch of events into the tables in one transaction. Repeating it changes nothing.

    Raises DatabaseUnavailable.
    """
    with writing(engine) as connection:
        hold_facts(connection)
        known = stored_attributes.defined(connection)
        types = {attribute.name: attribute.type for attribute in known if attribute.kind == "sessions"}
        rejected, usable = {}, []
        for one in arrived:
            try:
                check_event(one.event)
                check_attributes(one.event, types)
                usable.append(one)
            except InvalidEvent as error:
                rejected[one.row] = str(error)
        return _apply(connection, usable, rejected, frozenset(types))


def _apply(
    connection: Connection, arrived: Sequence[Arrived[Event]], rejected: Mapping[int, str], attributes: frozenset[str]
) -> Applied:
    sorted_events = sort_out(connection, arrived)
    latest_events = read_latest_events(connection, sorted_events.usable)
    applied = _write(connection, latest_events, sorted_events.usable, attributes)
    _erase(connection, arrived, sorted_events)
    erased = {person.id for person in sorted_events.deletions if person.kind == "tutor"}
    return Applied(applied.tutors - erased, applied.completed, rejected, applied.early)


def _write(
    connection: Connection, latest_events: LatestEvents, arrived: Sequence[Arrived[Event]], attributes: frozenset[str]
) -> Applied:
    add_ids(connection, "tutors", _tutor_ids(arrived))
    add_ids(connection, "students", _student_ids(arrived))
    _apply_tutors(connection, latest_events, arrived)
    sessions = apply_sessions(connection, latest_events, arrived, attributes)
    write(connection, _ADD_MESSAGES, map(_message, only(arrived, MessageSent)))
    early = _apply_transcripts(connection, latest_events, arrived)
    latest = [
        {"id": key[1], "kind": key[0], "happened_at": precedence.happened_at, "event_id": precedence.event_id}
        for key, precedence in latest_events.new.items()
    ]
    write(connection, _NOTE_LATEST, latest)
    touched = _touched(arrived, sessions.previous_tutors)
    connection.execute(_STAMP, {"ids": sorted(touched)})
    return Applied(touched, sessions.completed, {}, early)


def _erase(connection: Connection, arrived: Sequence[Arrived[Event]], sorted_events: Sorted) -> None:
    """Wipe late events about erased people, and erase the people whose deletion the batch reports."""
    if not sorted_events.late and not sorted_events.deletions:
        return
    now = max(one.received_at for one in arrived)
    wipe_late(connection, sorted_events, ids_in(arrived), now)
    erase(connection, sorted_events.deletions, _BY_EVENT, now)


def _message(one: Arrived[MessageSent]) -> dict[str, Any]:
    return one.event.data.model_dump() | {"sent_at": one.by_our_clock(one.event.data.sent_at)}


def _tutor_ids(arrived: Iterable[Arrived[Event]]) -> set[str]:
    without = TranscriptReady | TutorDeleted | StudentDeleted
    return {one.event.data.tutor_id for one in arrived if not isinstance(one.event, without)}


def _touched(arrived: Iterable[Arrived[Event]], previous_tutors: frozenset[str]) -> frozenset[str]:
    """The tutors of the events, and the previous tutors of their sessions."""
    return frozenset(_tutor_ids(arrived)) | previous_tutors


def _student_ids(arrived: Iterable[Arrived[Event]]) -> set[str]:
    sessions = {one.event.data.student_id for one in only(arrived, *SESSION_EVENTS)}
    messages = {one.event.data.student_id for one in only(arrived, MessageSent)}
    return {student_id for student_id in sessions | messages if student_id is not None}


def _apply_tutors(connection: Connection, latest_events: LatestEvents, arrived: Sequence[Arrived[Event]]) -> None:
    """Write the latest tutor records."""
    latest = latest_events.select(
        RecordKind.TUTOR, ((one.event.data.tutor_id, one) for one in only(arrived, TutorUpdated))
    )
    write(connection, _UPDATE_TUTORS, (one.event.data.model_dump() for one in latest.values()))


def _apply_transcripts(
    connection: Connection, latest_events: LatestEvents, arrived: Sequence[Arrived[Event]]
) -> frozenset[int]:
    """Store the latest transcript of each known session. Returns the inbox rows of the other transcripts."""
    transcripts = only(arrived, TranscriptReady)
    if not transcripts:
        return frozenset()
    ids = [one.event.data.session_id for one in transcripts]
    statement = text("SELECT session_id FROM sessions WHERE session_id = ANY (:ids)")
    known = set(connection.execute(statement, {"ids": ids}).scalars())
    usable = ((one.event.data.session_id, one) for one in transcripts if one.event.data.session_id in known)
    latest = latest_events.select(RecordKind.TRANSCRIPT, usable)
    rows = (
        {"session_id": session_id, "known_at": one.received_at, "text": one.event.data.text}
        for session_id, one in latest.items()
    )
    write(connection, _ADD_TRANSCRIPTS, rows)
    return frozenset(one.row for one in transcripts if one.event.data.session_id not in known)
