"""Webhooks in the queue of outgoing messages: one per reported score change, listed with their attempts, replayed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, Engine, text

from domain.changes import ScoreChange, messages_of
from domain.disclosure import withheld
from domain.errors import UnknownSubject
from domain.outgoing import Channel, DeliveryStatus
from domain.policy import Principal
from store.access.audit import AuditRow, add_rows
from store.contacts.assignments import assignments_by_tutor
from store.db.engine import writing
from store.db.statements import ask
from store.outgoing.queue import Attempt, NewMessage, enqueue
from store.scores.changes import changes_of

REPLAYED = "webhooks.replay"
"""Action of a replay in the audit log."""

_START_CURSOR = text("""
    INSERT INTO change_cursors (consumer, change_id) SELECT 'webhook', coalesce(max(id), 0) FROM score_changes
    ON CONFLICT DO NOTHING
""")
_CURSOR = text("SELECT change_id FROM change_cursors WHERE consumer = 'webhook' FOR UPDATE")
_ADVANCE = text("UPDATE change_cursors SET change_id = :change_id WHERE consumer = 'webhook'")
_REPLAY = text("""
    UPDATE outgoing_messages SET
        status = 'pending', finished_at = NULL, tries = 0, due_at = :now, lease = NULL, leased_until = NULL
    WHERE id = ANY (:ids) AND channel = 'webhook' AND (
        status <> 'pending' OR due_at > :now AND (leased_until IS NULL OR leased_until <= :now)
    )
    RETURNING id
""")
_WAKE_SENDERS = text("SELECT pg_notify('outgoing_messages', '')")
_DELIVERIES = """
    SELECT m.id, m.key AS event_id, m.type, m.created_at, m.due_at, m.tries,
        CASE WHEN m.status = 'delivered' THEN m.finished_at END AS delivered_at,
        CASE WHEN m.status = 'failed' THEN m.finished_at END AS failed_at,
        last.status_code, last.error
    FROM outgoing_messages AS m
    LEFT JOIN LATERAL (
        SELECT status_code, error FROM delivery_attempts WHERE message_id = m.id ORDER BY id DESC LIMIT 1
    ) AS last ON true
    WHERE m.channel = 'webhook'
"""
_IN_STATE = text(f"""
    {_DELIVERIES} AND m.status = :state AND (CAST(:before AS bigint) IS NULL OR m.id < :before)
    ORDER BY m.id DESC LIMIT :limit
""")
_ONE = text(f"{_DELIVERIES} AND m.id = :id")
_ATTEMPTS = text("SELECT at, status_code, error, seconds FROM delivery_attempts WHERE message_id = :id ORDER BY id")
_FAILED_IDS = text("SELECT id FROM outgoing_messages WHERE channel = 'webhook' AND status = 'failed'")

CHANGES_AT_ONCE = 5000
"""Score changes read per transaction."""


class DeliveryState(StrEnum):
    """Status of a webhook: to be sent or retried, accepted by the Rails app, or given up. It is never unknown."""

    PENDING = DeliveryStatus.PENDING.value
    DELIVERED = DeliveryStatus.DELIVERED.value
    FAILED = DeliveryStatus.FAILED.value


@dataclass(frozen=True)
class Delivery:
    """A webhook as listed, with the response to its last attempt."""

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


def announce(engine: Engine, now: datetime) -> int:
    """Enqueue a webhook for each score change after the cursor. Returns the number of changes read.

    The first call only starts the cursor at the newest change. Raises DatabaseUnavailable.
    """
    with writing(engine) as connection:
        connection.execute(_START_CURSOR)
        cursor = connection.execute(_CURSOR).scalar_one()
        changes = changes_of(connection, cursor, CHANGES_AT_ONCE)
        if changes:
            enqueue(connection, Channel.WEBHOOK, _messages(connection, changes, now), now)
            connection.execute(_ADVANCE, {"change_id": changes[-1].id})
    return len(changes)


def _messages(connection: Connection, changes: Sequence[ScoreChange], now: datetime) -> list[NewMessage]:
    planned = assignments_by_tutor(connection, sorted({change.tutor_id for change in changes}), now)
    messages = [
        message
        for change in changes
        for message in messages_of(
            change, withheld(change.kind, change.subject_id, planned[change.tutor_id]) is not None
        )
    ]
    return [NewMessage(message.event_id, message.type, message.body) for message in messages]


def deliveries(engine: Engine, state: DeliveryState, limit: int = 100, before: int | None = None) -> list[Delivery]:
    """Webhooks in a state with an id below `before`, newest first. Raises DatabaseUnavailable."""
    rows = ask(engine, _IN_STATE, {"state": state, "limit": limit, "before": before})
    return [Delivery(**row._mapping) for row in rows]


def delivery(engine: Engine, delivery_id: int) -> tuple[Delivery, list[Attempt]]:
    """A webhook and its attempts, oldest first. Raises UnknownSubject, DatabaseUnavailable."""
    rows = ask(engine, _ONE, {"id": delivery_id})
    if not rows:
        raise UnknownSubject(f"there is no delivery {delivery_id}")
    attempts = [Attempt(**row._mapping) for row in ask(engine, _ATTEMPTS, {"id": delivery_id})]
    return Delivery(**rows[0]._mapping), attempts


def replay(
    engine: Engine, ids: Iterable[int], by: Principal, now: datetime, request_id: str | None = None
) -> list[int]:
    """Send webhooks now, whatever their status, with all attempts again. Returns the ids that will be sent.

    A webhook that is due or being sent is left unchanged. Each replay is committed together with its row in the audit
    log. Raises DatabaseUnavailable.
    """
    with writing(engine) as connection:
        return _replay(connection, ids, by, now, request_id)


def replay_failed(engine: Engine, by: Principal, now: datetime, request_id: str | None = None) -> list[int]:
    """Replay every webhook that was given up. Returns their ids. Raises DatabaseUnavailable."""
    with writing(engine) as connection:
        failed = connection.execute(_FAILED_IDS).scalars().all()
        return _replay(connection, failed, by, now, request_id)


def _replay(
    connection: Connection, ids: Iterable[int], by: Principal, now: datetime, request_id: str | None
) -> list[int]:
    replayed = sorted(connection.execute(_REPLAY, {"ids": list(ids), "now": now}).scalars())
    add_rows(connection, [AuditRow(now, by.id, by.role, REPLAYED, str(number), request_id) for number in replayed])
    connection.execute(_WAKE_SENDERS)
    return replayed
