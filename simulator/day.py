"""Events of the Rails app for everything that happened in a market since a moment."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from domain.events.events import VERSION
from domain.vocabulary import SessionStatus
from features.base.dataset import ATTRIBUTE_PREFIX, Dataset

Event = dict[str, Any]
Row = dict[str, Any]

_OUTCOME_TYPES = {
    SessionStatus.COMPLETED.value: "session.completed",
    SessionStatus.CANCELLED.value: "session.cancelled",
    SessionStatus.NO_SHOW.value: "session.no_show",
    SessionStatus.STUDENT_NO_SHOW.value: "session.no_show",
}
_PREFIXED = ("session_id", "student_id", "message_id", "reschedule_id")


def events_since(dataset: Dataset, moment: datetime, prefix: str = "") -> list[Event]:
    """All events from `moment` on, in chronological order, ready for JSON.

    `prefix` is prepended to the ids of events, sessions, students, reschedules and messages (not of tutors), so that a
    day can be sent to a service that already has sessions with the same ids.
    """
    events = [
        *_bookings(dataset, moment),
        *_moves(dataset, moment),
        *_outcomes(dataset, moment),
        *_messages(dataset, moment),
        *_transcripts(dataset, moment),
        *_tutors(dataset, moment),
    ]
    events.sort(key=lambda event: (event["timestamp"], event["id"]))
    return [_ready(event, prefix) for event in events]


def _bookings(dataset: Dataset, moment: datetime) -> Iterator[Event]:
    """Bookings of sessions, at their original times if they were rescheduled later."""
    old = {row["session_id"]: row["old_starts_at"] for row in dataset.tables["reschedules"].to_pylist()}
    for row in _since(dataset.tables["sessions"], "booked_at", moment):
        starts_at = old.get(row["session_id"], row["starts_at"])
        state = _state(row) | {"starts_at": starts_at, "ends_at": starts_at + (row["ends_at"] - row["starts_at"])}
        yield _event("session.booked", f"booked-{row['session_id']}", row["booked_at"], state)


def _moves(dataset: Dataset, moment: datetime) -> Iterator[Event]:
    moves = {row["session_id"]: row for row in _since(dataset.tables["reschedules"], "requested_at", moment)}
    sessions = dataset.tables["sessions"]
    for row in sessions.filter(pc.is_in(sessions["session_id"], pa.array(moves, pa.string()))).to_pylist():
        move = moves[row["session_id"]]
        names = ("reschedule_id", "initiator", "old_starts_at", "reason_text", "reason_code")
        data = _state(row) | {name: move[name] for name in names}
        yield _event("session.rescheduled", f"moved-{move['reschedule_id']}", move["requested_at"], data)


def _outcomes(dataset: Dataset, moment: datetime) -> Iterator[Event]:
    for row in _since(dataset.tables["sessions"], "outcome_known_at", moment):
        kind = _OUTCOME_TYPES[row["status"]]
        event_id = f"{kind.removeprefix('session.')}-{row['session_id']}"
        yield _event(kind, event_id, row["outcome_known_at"], _state(row) | _result(row))


def _result(row: Row) -> Row:
    match row["status"]:
        case SessionStatus.COMPLETED:
            return {name: row[name] for name in ("late_minutes", "duration_minutes", "rating")}
        case SessionStatus.CANCELLED:
            return {"initiated_by": row["initiated_by"]}
        case SessionStatus.NO_SHOW:
            return {"absent": "tutor"}
        case _:
            return {"absent": "student"}


def _messages(dataset: Dataset, moment: datetime) -> Iterator[Event]:
    for row in _since(dataset.tables["messages"], "sent_at", moment):
        yield _event("message.sent", f"message-{row['message_id']}", row["sent_at"], row)


def _transcripts(dataset: Dataset, moment: datetime) -> Iterator[Event]:
    for row in _since(dataset.tables["transcripts"], "known_at", moment):
        data = {name: row[name] for name in ("session_id", "text")}
        yield _event("transcript.ready", f"transcript-{row['session_id']}", row["known_at"], data)


def _tutors(dataset: Dataset, moment: datetime) -> Iterator[Event]:
    """Arrivals and departures of tutors."""
    names = ("tutor_id", "name", "email", "timezone", "started_at", "departed_at")
    for column in ("started_at", "departed_at"):
        for row in _since(dataset.tables["tutors"], column, moment):
            known = {name: row[name] for name in names} | ({"departed_at": None} if column == "started_at" else {})
            yield _event("tutor.updated", f"{column.removesuffix('_at')}-{row['tutor_id']}", row[column], known)


def _since(table: pa.Table, column: str, moment: datetime) -> list[Row]:
    rows: list[Row] = table.filter(pc.greater_equal(table[column], moment)).to_pylist()
    return rows


def _state(row: Row) -> Row:
    own = {k.removeprefix(ATTRIBUTE_PREFIX): v for k, v in row.items() if k.startswith(ATTRIBUTE_PREFIX)}
    names = ("session_id", "tutor_id", "student_id", "booked_at", "starts_at", "ends_at")
    return {name: row[name] for name in names} | {"attributes": own}


def _event(kind: str, event_id: str, happened_at: datetime, data: Row) -> Event:
    return {"id": event_id, "type": kind, "version": VERSION, "timestamp": happened_at, "data": data}


def _ready(event: Event, prefix: str) -> Event:
    """Apply the id prefix, convert times to text and drop unknown values."""
    data = {name: _json(value) for name, value in event["data"].items() if value is not None}
    data |= {name: prefix + data[name] for name in _PREFIXED if name in data}
    return event | {"id": prefix + event["id"], "timestamp": _json(event["timestamp"]), "data": data}


def _json(value: Any) -> Any:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
