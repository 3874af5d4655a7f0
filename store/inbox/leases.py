"""Leases on events of the inbox: taken, kept by heartbeats, ended by compare-and-swap (policy: `domain.leases`)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, Row, text

from domain.errors import TutorQualityError
from domain.leases import LEASE, SHRINK, is_spent, retry_wait
from store.db.engine import writing
from store.facts.tombstones import wipe_parked

DIED = "the worker died while it worked on this event"
"""Reason for parking an event whose workers crashed without recording an error."""

_FREE = """
    processed_at IS NULL AND parked_at IS NULL AND type IS NOT NULL
    AND (due_at IS NULL OR due_at <= :now) AND (leased_until IS NULL OR leased_until <= :now)
"""
_PARK_SPENT = text("""
    UPDATE inbox SET
        parked_at = :now, lease = NULL, leased_until = NULL, tries = tries - 1, error = coalesce(error, :died)
    WHERE id = ANY (:ids)
""")
_LEASE_EVENTS = text(f"""
    WITH first AS (
        SELECT id, priority, tries, row_number() OVER (ORDER BY priority, id) AS place
        FROM (
            SELECT id, priority, tries FROM inbox WHERE {_FREE}
            ORDER BY priority, id LIMIT :limit FOR UPDATE SKIP LOCKED
        ) AS free
    ), most_tried AS (
        SELECT *, max(tries) OVER (ORDER BY place) AS most FROM first  -- of this event and those before it
    )
    UPDATE inbox SET lease = :lease, leased_until = :until, tries = inbox.tries + 1
    FROM most_tried AS taken
    WHERE inbox.id = taken.id AND taken.place <= greatest(1, :limit / (:shrink ^ taken.most)::bigint)
    RETURNING inbox.id, inbox.key, inbox.type, inbox.body, inbox.received_at, inbox.tries, inbox.priority
""")
_HEARTBEAT = text("UPDATE inbox SET leased_until = :until WHERE id = ANY (:ids) AND lease = :lease")
_FINISH = text("""
    UPDATE inbox SET processed_at = :now, lease = NULL, leased_until = NULL, due_at = NULL, error = NULL
    WHERE id = ANY (:ids) AND lease = :lease
""")
_PUT_BACK = text("""
    UPDATE inbox SET
        lease = NULL, leased_until = NULL, error = :reason, tries = tries - :uncounted,
        due_at = CAST(:due_at AS timestamptz), parked_at = CAST(:parked_at AS timestamptz)
    WHERE id = ANY (:ids) AND lease = :lease
""")
_RELEASE = text("""
    UPDATE inbox SET lease = NULL, leased_until = NULL, tries = tries - 1 WHERE id = ANY (:ids) AND lease = :lease
""")


class LeaseLost(TutorQualityError):
    """Another worker has taken over these events; this worker's changes are rolled back."""


@dataclass(frozen=True)
class Leased:
    """A leased event. `tries` counts the current try."""

    id: int
    key: str
    type: str
    body: dict[str, Any]
    received_at: datetime
    tries: int


def lease_events(engine: Engine, limit: int, lease: UUID, now: datetime, length: timedelta = LEASE) -> list[Leased]:
    """Lease at most `limit` waiting events: first sessions first, then in order of receipt.

    Two callers never receive the same event; an event whose lease has expired is leased again. Raises
    DatabaseUnavailable.
    """
    values = {"limit": limit, "lease": lease, "now": now, "until": now + length, "shrink": SHRINK}
    with writing(engine) as connection:
        rows = sorted(connection.execute(_LEASE_EVENTS, values), key=lambda row: (row.priority, row.id))
        spent = [row.id for row in rows if is_spent(row.tries)]
        if spent:
            connection.execute(_PARK_SPENT, {"ids": spent, "now": now, "died": DIED})
    leased = [_leased(row) for row in rows if row.id not in spent]
    return leased if leased or not spent else lease_events(engine, limit, lease, now, length)


def heartbeat(engine: Engine, ids: Collection[int], lease: UUID, now: datetime, length: timedelta = LEASE) -> None:
    """Extend a lease to `length` from now. Events leased by another worker meanwhile are not changed."""
    with writing(engine) as connection:
        connection.execute(_HEARTBEAT, {"ids": list(ids), "lease": lease, "until": now + length})


def finish(connection: Connection, ids: Collection[int], lease: UUID, now: datetime) -> None:
    """Mark events as processed in the caller's transaction.

    Raises LeaseLost unless all are still under the lease; the caller must then roll back.
    """
    finished = connection.execute(_FINISH, {"ids": list(ids), "lease": lease, "now": now}).rowcount
    if finished != len(ids):
        raise LeaseLost(f"{len(ids) - finished} of {len(ids)} events were taken over by another worker")


def fail(engine: Engine, event: Leased, lease: UUID, reason: str, now: datetime) -> bool:
    """Release a failed event for a later retry, or park it after its last try. Returns whether it was parked.

    Does nothing if the lease was lost.
    """
    wait_before_retry = retry_wait(event.tries)
    if wait_before_retry is None:
        park(engine, [event.id], lease, reason, now)
        return True
    _put_back(engine, [event.id], lease, reason, due_at=now + wait_before_retry)
    return False


def park(engine: Engine, ids: Collection[int], lease: UUID, reason: str, now: datetime) -> None:
    """Park events for a person, with the reason."""
    _put_back(engine, ids, lease, reason, parked_at=now)


def wait(engine: Engine, ids: Collection[int], lease: UUID, reason: str, due_at: datetime) -> None:
    """Release events until a moment without counting the try: they are early, not faulty."""
    _put_back(engine, ids, lease, reason, due_at=due_at, uncounted=1)


def release(engine: Engine, ids: Collection[int], lease: UUID) -> None:
    """Release events without counting the try. Raises DatabaseUnavailable."""
    with writing(engine) as connection:
        connection.execute(_RELEASE, {"ids": list(ids), "lease": lease})


def _put_back(
    engine: Engine,
    ids: Collection[int],
    lease: UUID,
    reason: str,
    due_at: datetime | None = None,
    parked_at: datetime | None = None,
    uncounted: int = 0,
) -> None:
    values = {"reason": reason, "due_at": due_at, "parked_at": parked_at, "uncounted": uncounted}
    with writing(engine) as connection:
        connection.execute(_PUT_BACK, {"ids": list(ids), "lease": lease, **values})
        if parked_at is not None:
            wipe_parked(connection, ids)


def _leased(row: Row[Any]) -> Leased:
    return Leased(row.id, row.key, row.type, row.body, row.received_at, row.tries)
