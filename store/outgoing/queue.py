"""Queue of outgoing messages: enqueue, lease, and settle with the outcome of an attempt.

A message is leased before it is sent and settled afterwards, each in its own transaction. A sender that dies in between
leaves an expired lease. A channel that repeats leases the message again; a channel that sends at most once marks it
`unknown` (`domain.outgoing`).
"""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, text

from domain.outgoing import POLICIES, Channel, DeliveryStatus
from store.db.engine import writing
from store.db.statements import ask

_ENQUEUE = text("""
    INSERT INTO outgoing_messages (channel, key, type, body, attachment, created_at, due_at)
    SELECT :channel, r.key, r.type, r.body, decode(r.attachment, 'base64'), :now, :now
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (key text, type text, body jsonb, attachment text)
    ON CONFLICT (channel, key) DO NOTHING
""")
_LEASE = text("""
    UPDATE outgoing_messages SET lease = :lease, leased_until = :until, tries = tries + 1
    WHERE id IN (
        SELECT id FROM outgoing_messages
        WHERE channel = :channel AND status = 'pending' AND due_at <= :now
            AND (leased_until IS NULL OR NOT :at_most_once AND leased_until <= :now)
        ORDER BY due_at, id LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    RETURNING id, key, type, body, attachment, created_at, tries
""")
_ADD_ATTEMPT = text("""
    INSERT INTO delivery_attempts (message_id, at, status_code, error, seconds)
    VALUES (:id, :at, :status_code, :error, :seconds)
""")
_SETTLE = text("""
    UPDATE outgoing_messages SET
        lease = NULL, leased_until = NULL, due_at = coalesce(CAST(:due_at AS timestamptz), due_at),
        status = :status, finished_at = CAST(:finished_at AS timestamptz)
    WHERE id = :id AND lease = :lease
""")
# The lease stays: a sender that was only slow can still record the outcome.
_MARK_UNKNOWN = text("""
    UPDATE outgoing_messages SET status = 'unknown', finished_at = :now
    WHERE channel = :channel AND status = 'pending' AND leased_until <= :now
""")
_WITH_STATUS = text("""
    SELECT id, key, type, body, attachment, created_at, tries FROM outgoing_messages
    WHERE channel = :channel AND status = :status ORDER BY id
""")


@dataclass(frozen=True)
class NewMessage:
    """A message to enqueue. `key` is unique within the channel."""

    key: str
    type: str
    body: Mapping[str, Any]
    attachment: bytes | None = None


@dataclass(frozen=True)
class QueuedMessage:
    """A message of the queue. `tries` counts the current attempt."""

    id: int
    key: str
    type: str
    body: Mapping[str, Any]
    attachment: bytes | None
    created_at: datetime
    tries: int


@dataclass(frozen=True)
class Attempt:
    """A delivery attempt. `status_code` is None without an HTTP response."""

    at: datetime
    status_code: int | None
    error: str | None
    seconds: float


def enqueue(connection: Connection, channel: Channel, messages: Iterable[NewMessage], now: datetime) -> int:
    """Add messages in the caller's transaction. Keys already used are skipped. Returns the number added."""
    rows = [{**vars(message), "attachment": _base64(message.attachment)} for message in messages]
    return connection.execute(_ENQUEUE, {"channel": channel, "rows": json.dumps(rows), "now": now}).rowcount


def lease_due(engine: Engine, channel: Channel, lease: UUID, now: datetime, limit: int) -> list[QueuedMessage]:
    """Lease messages that are due, the earliest due first. Two callers never receive the same message.

    Raises DatabaseUnavailable.
    """
    policy = POLICIES[channel]
    values = {"channel": channel, "at_most_once": policy.at_most_once, "lease": lease}
    times = {"now": now, "until": now + policy.lease, "limit": limit}
    with writing(engine) as connection:
        rows = connection.execute(_LEASE, {**values, **times})
        return sorted((QueuedMessage(**row._mapping) for row in rows), key=lambda message: message.id)


def settle(
    engine: Engine, message: QueuedMessage, lease: UUID, attempt: Attempt, status: DeliveryStatus, now: datetime
) -> None:
    """Record an attempt and the final status. Only the attempt is recorded if the lease was lost.

    Raises DatabaseUnavailable.
    """
    _settle(engine, message, lease, attempt, status=status, finished_at=now, due_at=None)


def retry_later(engine: Engine, message: QueuedMessage, lease: UUID, attempt: Attempt, due_at: datetime) -> None:
    """Record a failed attempt; the next one is due at `due_at`. Raises DatabaseUnavailable."""
    _settle(engine, message, lease, attempt, status=DeliveryStatus.PENDING, finished_at=None, due_at=due_at)


def mark_unknown(engine: Engine, channel: Channel, now: datetime) -> int:
    """Mark messages with an expired lease as `unknown`. Returns their number. Raises DatabaseUnavailable."""
    with writing(engine) as connection:
        return connection.execute(_MARK_UNKNOWN, {"channel": channel, "now": now}).rowcount


def messages_with_status(engine: Engine, channel: Channel, status: DeliveryStatus) -> list[QueuedMessage]:
    """Messages of a channel with a status, oldest first. Raises DatabaseUnavailable."""
    rows = ask(engine, _WITH_STATUS, {"channel": channel, "status": status})
    return [QueuedMessage(**row._mapping) for row in rows]


def _settle(engine: Engine, message: QueuedMessage, lease: UUID, attempt: Attempt, **values: object) -> None:
    with writing(engine) as connection:
        connection.execute(_ADD_ATTEMPT, {"id": message.id, **vars(attempt)})
        connection.execute(_SETTLE, {"id": message.id, "lease": lease, **values})


def _base64(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode()
