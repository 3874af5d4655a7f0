"""One table of invalid values, rejected by both the events API and the import."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from domain.events.examples import example
from tests.lib.dataset_parts import read
from tests.lib.event_parts import rails

LONG = "x" * 201

# type of event, field, value of the event, value of the file where it is another one
REFUSED: list[tuple[str, str, Any]] = [
    *(("session.completed", "rating", value) for value in (0, 0.99, 5.01, 10, "four", -1)),
    *(("session.completed", name, value) for name in ("late_minutes", "duration_minutes") for value in (-5, 1e9, "x")),
    *(("session.completed", "session_id", value) for value in (".", "..", " ", LONG, "a\x00b", "a\x85b", "a\u202eb")),
    *(("session.completed", "tutor_id", value) for value in ("a/b", ".", LONG, "\x9f", "\x7f")),
    *(("session.completed", "student_id", value) for value in ("..", LONG, "a\u2028b")),
    *(("session.completed", name, "1999-12-31T23:00:00Z") for name in ("booked_at", "starts_at")),
    *(("session.completed", name, "2101-01-01T00:00:00Z") for name in ("booked_at", "starts_at", "ends_at")),
    ("session.completed", "ends_at", "2026-11-23T15:59:59Z"),
    *(("tutor.updated", "timezone", value) for value in ("Eastern Time (US & Canada)", "Factory", "posix/UTC")),
    *(("tutor.updated", "timezone", value) for value in ("right/UTC", "localtime", "../UTC", "europe/berlin")),
    *(("tutor.updated", "name", value) for value in ("x" * 501, "a\nb", "a\x9bb", "\u2066a")),
    ("tutor.updated", "email", "a\rb@example.org"),
    ("tutor.updated", "tutor_id", ".."),
    ("tutor.updated", "started_at", "2101-01-01T00:00:00Z"),
    ("session.rescheduled", "reason_text", "x" * 10_001),
    ("session.rescheduled", "reschedule_id", "."),
    ("message.sent", "message_id", "a\tb"),
    ("message.sent", "sent_at", "1970-01-01T00:00:00Z"),
    ("message.sent", "sender", "parent"),
    ("transcript.ready", "session_id", LONG),
]
TAKEN: list[tuple[str, str, Any]] = [
    ("session.completed", "rating", 1),
    ("session.completed", "rating", 5),
    ("session.completed", "late_minutes", 100_000),
    ("session.completed", "session_id", "a..b c \u200f \u05d0 …"),
    ("session.completed", "booked_at", "2026-11-23T17:00:00Z"),
    ("tutor.updated", "timezone", "US/Pacific"),
    ("tutor.updated", "name", "José Ñandú \u202f"),
    ("session.rescheduled", "reason_text", "ill,\nsorry"),
]
_KINDS = {
    "session.completed": "sessions",
    "tutor.updated": "tutors",
    "session.rescheduled": "reschedules",
    "message.sent": "messages",
    "transcript.ready": "transcripts",
}


def _event(kind: str, field: str, value: Any) -> dict[str, Any]:
    event = example(kind)
    return event | {"data": event["data"] | {field: value}}


def _row(kind: str, field: str, value: Any) -> dict[str, Any]:
    """Dataset row equivalent to the example event."""
    event = _event(kind, field, value)
    row: dict[str, Any] = event["data"]
    if kind == "session.completed":
        return row | {"status": "completed", "outcome_known_at": event["timestamp"]}
    if kind == "session.rescheduled":
        renamed = {"new_starts_at": row["starts_at"], "requested_at": event["timestamp"]}
        wanted = ("session_id", "tutor_id", "initiator", "old_starts_at", "reason_text")
        return {"reschedule_id": "r1"} | renamed | {name: row[name] for name in wanted} | {field: value}
    return row | ({"known_at": event["timestamp"]} if kind == "transcript.ready" else {})


def _rejected(folder: Path, kind: str, field: str, value: Any) -> list[str]:
    """Columns that the import names when it rejects the row."""
    name = _KINDS[kind]
    known = "session-81023,tutor-17,2026-11-20T09:00Z,2026-11-23T16:00Z,booked"
    sessions = f"session_id,tutor_id,booked_at,starts_at,status\n{known}\n"
    files = {"sessions_csv": sessions, f"{name}_csv": _csv(_row(kind, field, value))}
    description = "\n".join(f"{file.removesuffix('_csv')}: {{file: {file.replace('_', '.')}}}" for file in files)
    found = read(folder, description, **files).rejects.to_pylist()
    return [row["column"] for row in found if row["file"] == f"{name}.csv"]


def _csv(row: dict[str, Any]) -> str:
    quoted = ('"' + str(value).replace('"', '""') + '"' for value in row.values())
    return f"{','.join(row)}\n{','.join(quoted)}\n"


@pytest.mark.parametrize(("values", "refused"), [(REFUSED, True), (TAKEN, False)])
def test_events_and_imports_refuse_the_same_values_and_take_the_same(
    engine: Engine, tmp_path: Path, values: list[tuple[str, str, Any]], refused: bool
) -> None:
    differing = []
    with rails(engine) as sender:
        for number, (kind, field, value) in enumerate(values):
            answer = sender.send(json.dumps(_event(kind, field, value)).encode(), f"e{number}")
            named = [error["field"] for error in answer.json().get("errors", ())]
            if named != ([f"data.{field}"] if refused else []) or answer.status_code != (422 if refused else 202):
                differing.append(("events", kind, field, value, answer.text))
            columns = _rejected(tmp_path, kind, field, value)
            if columns != ([field] if refused else []):
                differing.append(("import", kind, field, value, columns))
    assert differing == []


def test_a_row_with_an_outcome_before_its_start_is_rejected_unless_it_was_cancelled(tmp_path: Path) -> None:
    header = "session_id,tutor_id,booked_at,starts_at,status,outcome_known_at\n"
    rows = [
        f"{status},t1,2026-11-01T20:00Z,2026-11-21T17:00Z,{status},2026-11-01T20:00Z"
        for status in ("no_show", "completed", "student_no_show", "cancelled")
    ]
    result = read(tmp_path, sessions_csv=header + "\n".join(rows) + "\n")
    assert [row["column"] for row in result.rejects.to_pylist()] == ["outcome_known_at"] * 3
    assert result.dataset.tables["sessions"]["session_id"].to_pylist() == ["cancelled"]
