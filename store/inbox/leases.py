"""Who works on which event of the inbox: claimed under a lease, kept by heartbeats, finished by compare-and-swap.

A claim counts as a try, so that an event which kills its worker is not tried for ever. The more often an event was
tried, the fewer are claimed beside it: from the fourth on a try is of that event alone. Only deaths alone are held
against it, so nobody is parked for a neighbour, nor because workers happen to be killed.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, Row, text

from domain.errors import TutorQualityError
from store.db.engine import writing
from store.facts.tombstones import wipe_parked

MAX_TRIES = 5
"""An event that failed so often, or killed its worker so often when alone, is parked for a person."""

LEASE = timedelta(seconds=10)
"""How long a claim holds without a heartbeat."""

DIED = "the worker died while it worked on this event"
"""The reason of an event whose worker never said why it failed."""

_FIRST_RETRY = timedelta(seconds=5)
_SMALLER = 8
_IN_COMPANY = 3  # tries after which an event of 500 is alone
_FREE = """
    processed_at IS NULL AND parked_at IS NULL AND type IS NOT NULL
    AND (due_at IS NULL OR due_at <= :now) AND (leased_until IS NULL OR leased_until <= :now)
"""
_PARK_SPENT = text("""
    UPDATE inbox SET
        parked_at = :now, lease = NULL, leased_until = NULL, tries = tries - 1, error = coalesce(error, :died)
    WHERE id = ANY (:ids)
""")
_CLAIM = text(f"""
    WITH first AS (
        SELECT id, priority, tries, row_number() OVER (ORDER BY priority, id) AS place
        FROM (
            SELECT id, priority, tries FROM inbox WHERE {_FREE}
            ORDER BY priority, id LIMIT :limit FOR UPDATE SKIP LOCKED
        ) AS free
    ), most_tried AS (
        SELECT *, max(tries) OVER (ORDER BY place) AS most FROM first  -- of the event itself and those before it
    )
    UPDATE inbox SET lease = :lease, leased_until = :until, tries = inbox.tries + 1
    FROM most_tried AS taken
    WHERE inbox.id = taken.id AND taken.place <= greatest(1, :limit / (:smaller ^ taken.most)::bigint)
    RETURNING inbox.id, inbox.key, inbox.type, inbox.body, inbox.received_at, inbox.tries, inbox.priority
""")
_HEARTBEAT = text("UPDATE inbox SET leased_until = :until WHERE id = ANY (:ids) AND lease = :lease")
_FINISH = text("""
    UPDATE inbox SET processed_at = :now, lease = NULL, leased_until = NULL, due_at = NULL, error = NULL
    WHERE id = ANY (:ids) AND lease = :lease
""")
_PUT_BACK = text("""
    UPDATE inbox SET
        lease = NULL, leased_until = NULL, error = :reason, tries = tries - :given_back,
        due_at = CAST(:due_at AS timestamptz), parked_at = CAST(:parked_at AS timestamptz)
    WHERE id = ANY (:ids) AND lease = :lease
""")
_RELEASE = text("""
    UPDATE inbox SET lease = NULL, leased_until = NULL, tries = tries - 1 WHERE id = ANY (:ids) AND lease = :lease
""")


class LeaseLost(TutorQualityError):
    """Another worker has taken these events over: what was done for them is undone."""


@dataclass(frozen=True)
class Claimed:
    """An event to work on. `tries` counts this one."""

    id: int
    key: str
    type: str
    body: dict[str, Any]
    received_at: datetime
    tries: int


def claim(engine: Engine, limit: int, lease: UUID, now: datetime, length: timedelta = LEASE) -> list[Claimed]:
    """Take at most `limit` waiting events, first sessions first, then in the order in which they came.

    No two callers get the same; those whose lease ran out can be taken again. Raises DatabaseUnavailable.
    """
    asked = {"limit": limit, "lease": lease, "now": now, "until": now + length, "smaller": _SMALLER}
    with writing(engine) as connection:
        rows = sorted(connection.execute(_CLAIM, asked), key=lambda row: (row.priority, row.id))
        spent = [row.id for row in rows if row.tries > _IN_COMPANY + MAX_TRIES]
        if spent:
            connection.execute(_PARK_SPENT, {"ids": spent, "now": now, "died": DIED})
    left = [_claimed(row) for row in rows if row.id not in spent]
    return left if left or not spent else claim(engine, limit, lease, now, length)


def heartbeat(engine: Engine, ids: Collection[int], lease: UUID, now: datetime, length: timedelta = LEASE) -> None:
    """Keep a claim for another `length` from now. What is no longer held stays with whom it went to."""
    with writing(engine) as connection:
        connection.execute(_HEARTBEAT, {"ids": list(ids), "lease": lease, "until": now + length})


def finish(connection: Connection, ids: Collection[int], lease: UUID, now: datetime) -> None:
    """Mark events as done in the caller's transaction.

    Raises LeaseLost, upon which the caller's transaction must not be committed, unless all are still under the lease.
    """
    done = connection.execute(_FINISH, {"ids": list(ids), "lease": lease, "now": now}).rowcount
    if done != len(ids):
        raise LeaseLost(f"{len(ids) - done} of {len(ids)} events were taken over by another worker")


def fail(engine: Engine, event: Claimed, lease: UUID, reason: str, now: datetime) -> bool:
    """Put a failed event back, to be tried again later and later; after MAX_TRIES it is parked. Returns whether it is.

    Nothing happens to one that is no longer under the lease.
    """
    if event.tries >= MAX_TRIES:
        park(engine, [event.id], lease, reason, now)
        return True
    due_at = now + _FIRST_RETRY * 2 ** (event.tries - 1)
    _put_back(engine, [event.id], lease, reason, due_at=due_at)
    return False


def park(engine: Engine, ids: Collection[int], lease: UUID, reason: str, now: datetime) -> None:
    """Set events aside for a person, with the reason."""
    _put_back(engine, ids, lease, reason, parked_at=now)


def wait(engine: Engine, ids: Collection[int], lease: UUID, reason: str, due_at: datetime) -> None:
    """Put events back until a moment, without counting the try: nothing is wrong with them."""
    _put_back(engine, ids, lease, reason, due_at=due_at, given_back=1)


def release(engine: Engine, ids: Collection[int], lease: UUID) -> None:
    """Give events back untried, to whoever comes next. Raises DatabaseUnavailable."""
    with writing(engine) as connection:
        connection.execute(_RELEASE, {"ids": list(ids), "lease": lease})


def _put_back(
    engine: Engine,
    ids: Collection[int],
    lease: UUID,
    reason: str,
    due_at: datetime | None = None,
    parked_at: datetime | None = None,
    given_back: int = 0,
) -> None:
    values = {"reason": reason, "due_at": due_at, "parked_at": parked_at, "given_back": given_back}
    with writing(engine) as connection:
        connection.execute(_PUT_BACK, {"ids": list(ids), "lease": lease, **values})
        if parked_at is not None:
            wipe_parked(connection, ids)


def _claimed(row: Row[Any]) -> Claimed:
    return Claimed(row.id, row.key, row.type, row.body, row.received_at, row.tries)
