"""Webhooks to the Rails app: written down before they are sent, with every attempt and what came of it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, text

from domain.changes import Change, messages_of
from domain.errors import UnknownSubject
from domain.policy import Principal
from domain.vocabulary import SubjectKind
from store.access.audit import AuditRow, add_rows
from store.db.engine import writing
from store.db.statements import ask
from store.scores.changes import changes_of

REPLAYED = "webhooks.replay"
"""The act in the audit."""

_BEGIN = text("""
    INSERT INTO webhook_cursor (change_id) SELECT coalesce(max(id), 0) FROM score_changes ON CONFLICT DO NOTHING
""")
_CURSOR = text("SELECT change_id FROM webhook_cursor FOR UPDATE")
_ADVANCE = text("UPDATE webhook_cursor SET change_id = :change_id")
_HELD_OUT = text("""
    SELECT s.session_id FROM sessions AS s
    JOIN contacts AS c ON c.day = (s.starts_at AT TIME ZONE 'UTC')::date AND c.tutor_id = s.tutor_id
    WHERE c.arm = 'holdout' AND s.session_id = ANY (:ids)
""")
_WRITE = text("""
    INSERT INTO webhook_deliveries (event_id, type, body, created_at, due_at)
    SELECT r.event_id, r.type, r.body, :now, :now
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (event_id text, type text, body jsonb)
    ON CONFLICT (event_id) DO NOTHING
""")
_OPEN = "delivered_at IS NULL AND failed_at IS NULL"
_CLAIM = text(f"""
    UPDATE webhook_deliveries SET lease = :lease, leased_until = :until, tries = tries + 1
    WHERE id IN (
        SELECT id FROM webhook_deliveries
        WHERE {_OPEN} AND due_at <= :now AND (leased_until IS NULL OR leased_until <= :now)
        ORDER BY due_at, id LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    RETURNING id, event_id, type, body, created_at, tries
""")
_ATTEMPT = text("""
    INSERT INTO webhook_attempts (delivery_id, at, status_code, error, seconds)
    VALUES (:id, :at, :status_code, :error, :seconds)
""")
_SETTLE = text("""
    UPDATE webhook_deliveries SET
        lease = NULL, leased_until = NULL, due_at = coalesce(CAST(:due_at AS timestamptz), due_at),
        delivered_at = CAST(:delivered_at AS timestamptz), failed_at = CAST(:failed_at AS timestamptz)
    WHERE id = :id AND lease = :lease
""")
_REPLAY = text("""
    UPDATE webhook_deliveries SET
        delivered_at = NULL, failed_at = NULL, tries = 0, due_at = :now, lease = NULL, leased_until = NULL
    WHERE id = ANY (:ids) AND (
        delivered_at IS NOT NULL OR failed_at IS NOT NULL
        OR due_at > :now AND (leased_until IS NULL OR leased_until <= :now)
    )
    RETURNING id
""")
_CALL = text("SELECT pg_notify('webhook_deliveries', '')")
_LAST = """
    LEFT JOIN LATERAL (
        SELECT at, status_code, error FROM webhook_attempts WHERE delivery_id = d.id ORDER BY id DESC LIMIT 1
    ) AS last ON true
"""
_FIELDS = """
    d.id, d.event_id, d.type, d.created_at, d.due_at, d.tries, d.delivered_at, d.failed_at,
    last.status_code, last.error
"""
_WHERE = {
    "pending": "d.delivered_at IS NULL AND d.failed_at IS NULL",
    "delivered": "d.delivered_at IS NOT NULL",
    "failed": "d.failed_at IS NOT NULL",
}
_LISTS = {
    state: text(f"""
        SELECT {_FIELDS} FROM webhook_deliveries AS d {_LAST}
        WHERE {condition} AND (CAST(:before AS bigint) IS NULL OR d.id < :before) ORDER BY d.id DESC LIMIT :limit
    """)
    for state, condition in _WHERE.items()
}
_ONE = text(f"SELECT {_FIELDS} FROM webhook_deliveries AS d {_LAST} WHERE d.id = :id")
_ATTEMPTS = text("""
    SELECT at, status_code, error, seconds FROM webhook_attempts WHERE delivery_id = :id ORDER BY id
""")
_FAILED_IDS = text("SELECT id FROM webhook_deliveries WHERE failed_at IS NOT NULL")

CHANGES_AT_ONCE = 5000


class DeliveryState(StrEnum):
    """What a delivery is: still to be sent or tried again, taken by the Rails app, or given up."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True)
class Due:
    """A delivery to send now. `tries` counts this one."""

    id: int
    event_id: str
    type: str
    body: Mapping[str, Any]
    created_at: datetime
    tries: int


@dataclass(frozen=True)
class Delivery:
    """A delivery as it is listed, with what its last attempt met."""

    id: int
    event_id: str
    type: str
    created_at: datetime
    due_at: datetime
    tries: int
    delivered_at: datetime | None
    failed_at: datetime | None
    status_code: int | None
    error: str | None


@dataclass(frozen=True)
class Attempt:
    """One time that a delivery was sent; `status_code` is None where no answer came."""

    at: datetime
    status_code: int | None
    error: str | None
    seconds: float


def announce(engine: Engine, now: datetime) -> int:
    """Write down a delivery for each change since the last that Rails is told of; how many changes were looked at.

    The first time nothing is told but what changes from then on. Raises DatabaseUnavailable.
    """
    with writing(engine) as connection:
        connection.execute(_BEGIN)
        cursor = connection.execute(_CURSOR).scalar_one()
        changes = changes_of(connection, cursor, CHANGES_AT_ONCE)
        if changes:
            held_out = _held_out(connection, changes)
            rows = [vars(told) for change in changes for told in messages_of(change, change.subject_id in held_out)]
            connection.execute(_WRITE, {"rows": json.dumps(rows), "now": now})
            connection.execute(_ADVANCE, {"change_id": changes[-1].id})
    return len(changes)


def _held_out(connection: Connection, changes: Iterable[Change]) -> frozenset[str]:
    ids = [change.subject_id for change in changes if change.subject_kind is SubjectKind.SESSION]
    return frozenset(connection.execute(_HELD_OUT, {"ids": ids}).scalars()) if ids else frozenset()


def claim_due(engine: Engine, lease: UUID, now: datetime, length: timedelta, limit: int) -> list[Due]:
    """Take deliveries that are due; no two callers get the same. Raises DatabaseUnavailable."""
    with writing(engine) as connection:
        asked = {"lease": lease, "now": now, "until": now + length, "limit": limit}
        return sorted((Due(**row._asdict()) for row in connection.execute(_CLAIM, asked)), key=lambda due: due.id)


def delivered(engine: Engine, due: Due, lease: UUID, attempt: Attempt) -> None:
    """The Rails app took it."""
    _settle(engine, due, lease, attempt, delivered_at=attempt.at)


def again(engine: Engine, due: Due, lease: UUID, attempt: Attempt, due_at: datetime) -> None:
    """It was not taken, and is to be tried again at `due_at`."""
    _settle(engine, due, lease, attempt, due_at=due_at)


def given_up(engine: Engine, due: Due, lease: UUID, attempt: Attempt) -> None:
    """It was not taken, and is not tried again unless a person says so."""
    _settle(engine, due, lease, attempt, failed_at=attempt.at)


def deliveries(engine: Engine, state: DeliveryState, limit: int = 100, before: int | None = None) -> list[Delivery]:
    """Deliveries of a state with a number below `before`, the newest first. Raises DatabaseUnavailable."""
    return [Delivery(**row._asdict()) for row in ask(engine, _LISTS[state], {"limit": limit, "before": before})]


def delivery(engine: Engine, delivery_id: int) -> tuple[Delivery, list[Attempt]]:
    """A delivery and all its attempts, the oldest first. Raises UnknownSubject, DatabaseUnavailable."""
    found = ask(engine, _ONE, {"id": delivery_id})
    if not found:
        raise UnknownSubject(f"there is no delivery {delivery_id}")
    attempts = [Attempt(**row._asdict()) for row in ask(engine, _ATTEMPTS, {"id": delivery_id})]
    return Delivery(**found[0]._asdict()), attempts


def replay(
    engine: Engine, ids: Iterable[int], by: Principal, now: datetime, request_id: str | None = None
) -> list[int]:
    """Send deliveries now, with a fresh count of tries, whatever became of them before; those that will be sent.

    One that is due or being sent is left as it is. Each act and its row in the audit are there both or neither.
    Raises DatabaseUnavailable.
    """
    with writing(engine) as connection:
        return _replay(connection, ids, by, now, request_id)


def replay_failed(engine: Engine, by: Principal, now: datetime, request_id: str | None = None) -> list[int]:
    """Send again all that was given up; which those are. Raises DatabaseUnavailable."""
    with writing(engine) as connection:
        failed = connection.execute(_FAILED_IDS).scalars().all()
        return _replay(connection, failed, by, now, request_id)


def _replay(
    connection: Connection, ids: Iterable[int], by: Principal, now: datetime, request_id: str | None
) -> list[int]:
    found = sorted(connection.execute(_REPLAY, {"ids": list(ids), "now": now}).scalars())
    add_rows(connection, [AuditRow(now, by.id, by.role, REPLAYED, str(number), request_id) for number in found])
    connection.execute(_CALL)
    return found


def _settle(engine: Engine, due: Due, lease: UUID, attempt: Attempt, **values: datetime) -> None:
    after: dict[str, datetime | None] = {"due_at": None, "delivered_at": None, "failed_at": None, **values}
    with writing(engine) as connection:
        _note(connection, due, attempt)
        # Another process that took it over meanwhile has the last word; the attempt was made all the same.
        connection.execute(_SETTLE, {"id": due.id, "lease": lease, **after})


def _note(connection: Connection, due: Due, attempt: Attempt) -> None:
    fields = {name: getattr(attempt, name) for name in ("at", "status_code", "error", "seconds")}
    connection.execute(_ATTEMPT, {"id": due.id, **fields})
