"""What of the inbox is not done yet and why: events that wait or are parked, for a person to see.

Only what a person needs to decide: no row's body, which is about somebody.
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
"""The act in the audit."""

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
_CALL = text("SELECT pg_notify('inbox', '')")


class InboxState(StrEnum):
    """What an event is that is not done: one that will be worked on by itself, or one a person has to look at."""

    WAITING = "waiting"
    PARKED = "parked"


@dataclass(frozen=True)
class UnfinishedEvent:
    """An event of the inbox that is not done. `error` is the reason of the last try, None before the first."""

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
    """How many events wait, since when the oldest does, and how many are parked."""

    waiting: int
    parked: int
    oldest: datetime | None


def unfinished(engine: Engine, state: InboxState, after: int = 0, limit: int = 100) -> list[UnfinishedEvent]:
    """Events of one state with a row number above `after`, the oldest first. Raises DatabaseUnavailable."""
    found = ask(engine, _LISTS[state], {"after": after, "limit": limit})
    return [UnfinishedEvent(**row._mapping) for row in found]


def backlog(engine: Engine) -> Backlog:
    """How much is not done. Raises DatabaseUnavailable."""
    (row,) = ask(engine, _COUNTS, {})
    return Backlog(**row._mapping)


def retry(engine: Engine, row: int, by: Principal, now: datetime, request_id: str | None = None) -> None:
    """Let a parked event be tried again, as often as a new one, and wake who works on the inbox.

    The act and its row in the audit are there both or neither. Raises UnknownSubject if no event of that number is
    parked, DatabaseUnavailable.
    """
    if not _retry(engine, row, by, now, request_id):
        raise UnknownSubject(f"no event {row} is parked; `tqs inbox` lists those that are")


def retry_all(engine: Engine, by: Principal, now: datetime, request_id: str | None = None) -> list[int]:
    """The same of all parked events, as after a fault of ours was mended; which those are.

    Raises DatabaseUnavailable.
    """
    return _retry(engine, None, by, now, request_id)


def _retry(engine: Engine, row: int | None, by: Principal, now: datetime, request_id: str | None) -> list[int]:
    """Of one row, or of all for None."""
    with writing(engine) as connection:
        found = sorted(connection.execute(_RETRY, {"row": row}).scalars())
        add_rows(connection, [AuditRow(now, by.id, by.role, RETRIED, str(each), request_id) for each in found])
        connection.execute(_CALL)
        return found
