"""Events stored in the inbox as the API does, and the resulting rows in the tables."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, text

from domain.events.events import Event
from domain.events.examples import example
from domain.events.order import Arrived, read_event

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

_PUT = text("""
    INSERT INTO inbox (source, key, body, type, body_sha256, received_at, priority)
    VALUES ('webhook', :key, CAST(:body AS jsonb), :type, :sha, :received_at, :priority)
""")
_FACTS = ("tutors", "students", "sessions", "reschedules", "messages", "transcripts", "latest_events")
_ALL = "SELECT to_jsonb(row) - 'history_stamp' FROM {name} AS row"


def event(kind: str, event_id: str, at: datetime = NOON, **data: Any) -> dict[str, Any]:
    """The example event of a type with id, moment and data replaced; times may be datetimes."""
    default = example(kind)
    changed = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in data.items()}
    return default | {"id": event_id, "timestamp": at.isoformat(), "data": default["data"] | changed}


def put(
    engine: Engine, events: Iterable[Mapping[str, Any]], received_at: datetime = NOON, priority: int = 1
) -> list[int]:
    """Store events in the inbox. Returns their row numbers."""
    rows = [
        {
            "key": f"event:{body['id']}",
            "body": json.dumps(body),
            "type": body["type"],
            "sha": hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest(),
            "received_at": received_at,
            "priority": priority,
        }
        for body in events
    ]
    with engine.begin() as connection:
        connection.execute(_PUT, rows)
        keys = [row["key"] for row in rows]
        ids = connection.execute(text("SELECT id FROM inbox WHERE key = ANY (:keys) ORDER BY id"), {"keys": keys})
        return list(ids.scalars())


def arrived(events: Sequence[Mapping[str, Any]], received_at: datetime = NOON) -> list[Arrived[Event]]:
    """Events as read by the worker."""
    return [Arrived(row, read_event(dict(body)), received_at) for row, body in enumerate(events)]


def rows(engine: Engine, query: str, **values: Any) -> list[Any]:
    """Rows returned by a query."""
    with engine.begin() as connection:
        return list(connection.execute(text(query), values).all())


def one(engine: Engine, query: str, **values: Any) -> Any:
    """The only row returned by a query."""
    (row,) = rows(engine, query, **values)
    return row


def facts(engine: Engine) -> dict[str, list[Any]]:
    """All rows of the facts by table, without the stamp, which differs each time."""
    return {name: sorted(map(repr, rows(engine, _ALL.format(name=name)))) for name in _FACTS}
