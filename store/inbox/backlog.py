"""Backlog of the inbox: waiting and parked events with their reasons.

Bodies are not returned, as they contain personal data.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Engine, text

from domain.errors import UnknownSubject
from domain.policy import Principal
from store.access.audit import AuditRow, add_rows
from store.db.engine import writing
from store.db.statements import ask

RETRIED = "inbox.retry"
"""Action of a retry in the audit log."""

_COLUMNS = "id, substr(key, 7) AS event_id, type, received_at, tries, due_at, parked_at, error"
_LISTS = {
    "waiting": text(f"""
        SELECT {_COLUMNS} FROM inbox
        WHERE processed_at IS NULL AND parked_at IS NULL AND type IS NOT NULL AND id > :after ORDER BY id LIMIT :limit
    """),
    "parked": text(f"""
        SELECT {_COLUMNS} FROM inbox WHERE parked_at IS NOT NULL AND id > :after ORDER BY id LIMIT :limit
    """),
}
_COUNTS = text("""
    SELECT count(*) AS waiting, min(received_at) AS oldest, (
        SELECT count(*) FROM inbox WHERE parked_at IS NOT NULL
    ) AS parked
    FROM inbox WHERE processed_at IS NULL AND parked_at IS NULL AND type IS NOT NULL
""")
_RETRY = text("""
    UPDATE inbox SET parked_at = NULL, tries = 0, due_at = NULL
    WHERE parked_at IS NOT NULL AND (CAST(:row AS bigint) IS NULL OR id = :row) RETURNING id
""")
_WAKE_WORKERS = text("SELECT pg_notify('inbox', '')")


class InboxState(StrEnum):
    """State of an unfinished event: waiting for a worker, or parked for a person."""

    WAITING = "waiting"
    PARKED = "parked"


@dataclass(frozen=True)
class UnfinishedEvent:
    """An unfinished event of the inbox. `error` is the error of the last try, None before the first."""

    id: int
    event_id: str
    type: str
    received_at: datetime
    tries: int
    due_at: datetime | None
    parked_at: datetime | None
    error: str | None


@dataclass(frozen=True)
class Backlog:
    """Number of waiting events, receipt of the oldest, and number of parked events."""

    waiting: int
    parked: int
    oldest: datetime | None


def unfinished(engine: Engine, state: InboxState, after: int = 0, limit: int = 100) -> list[UnfinishedEvent]:
    """Events in a state with a row number above `after`, oldest first. Raises DatabaseUnavailable."""
    rows = ask(engine, _LISTS[state], {"after": after, "limit": limit})
    return [UnfinishedEvent(**row._mapping) for row in rows]


def backlog(engine: Engine) -> Backlog:
    """Counts of unfinished events. Raises DatabaseUnavailable."""
    (row,) = ask(engine, _COUNTS, {})
    return Backlog(**row._mapping)


def retry(engine: Engine, row: int, by: Principal, now: datetime, request_id: str | None = None) -> None:
    """Retry a parked event with all tries again, and notify the workers.

    The retry and its row in the audit log are committed together. Raises UnknownSubject if no event of this number is
    parked, DatabaseUnavailable.
    """
    if not _retry(engine, row, by, now, request_id):
        raise UnknownSubject(f"no event {row} is parked; `tqs inbox` lists those that are")


def retry_all(engine: Engine, by: Principal, now: datetime, request_id: str | None = None) -> list[int]:
    """Retry every parked event, for example after a bug fix. Returns their row numbers.

    Raises DatabaseUnavailable.
    """
    return _retry(engine, None, by, now, request_id)


def _retry(engine: Engine, row: int | None, by: Principal, now: datetime, request_id: str | None) -> list[int]:
    """Retry one row, or all parked rows for None."""
    with writing(engine) as connection:
        retried = sorted(connection.execute(_RETRY, {"row": row}).scalars())
        add_rows(connection, [AuditRow(now, by.id, by.role, RETRIED, str(number), request_id) for number in retried])
        connection.execute(_WAKE_WORKERS)
        return retried
