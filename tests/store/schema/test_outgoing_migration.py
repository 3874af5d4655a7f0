"""Migration 0019: mails and webhooks move into one queue, and back, without loss."""

from datetime import UTC, datetime

from sqlalchemy import Engine

from store.db.engine import downgrade, upgrade
from tests.lib.inbox_parts import rows

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
_PLANT_MAILS = """
    INSERT INTO outbox (
        key, kind, recipient, subject, body, html, attachment_name, attachment, created_at, claimed_at, sent_at,
        status, error
    )
    SELECT status, 'drift', 'a@example.org', 'Subject', 'Text', '<p>', 'a.html', convert_to('bytes', 'UTF8'), :at,
        CASE WHEN status <> 'pending' THEN :at + interval '1 minute' END,
        CASE WHEN status = 'sent' THEN :at + interval '2 minutes' END, status,
        CASE WHEN status = 'failed' THEN 'refused' END
    FROM unnest(ARRAY['pending', 'sending', 'sent', 'failed', 'unknown']) AS status
    RETURNING id
"""
_PLANT_WEBHOOKS = """
    INSERT INTO webhook_deliveries (event_id, type, body, created_at, due_at, tries, delivered_at, failed_at)
    SELECT 'evt_' || n, 'score.changed', '{"type": "score.changed"}', :at, :at, n,
        CASE WHEN n = 1 THEN :at END, CASE WHEN n = 2 THEN :at END
    FROM generate_series(1, 3) AS n RETURNING id
"""
_PLANT_ATTEMPTS = """
    INSERT INTO webhook_attempts (delivery_id, at, status_code, error, seconds)
    SELECT id, :at, 503, 'busy', 0.5 FROM webhook_deliveries RETURNING id
"""
_OLD_MAILS = """
    SELECT key, kind, recipient, subject, body, html, attachment_name, attachment, created_at, claimed_at, sent_at,
        status, error
    FROM outbox ORDER BY id
"""
_OLD = (
    "SELECT * FROM webhook_deliveries ORDER BY id",
    "SELECT * FROM webhook_attempts ORDER BY id",
    "SELECT * FROM webhook_cursor",
)


def _old(engine: Engine) -> list[list[dict[str, object]]]:
    kept = [[dict(row._mapping) for row in rows(engine, query)] for query in (*_OLD, _OLD_MAILS)]
    for mail in kept[-1]:
        mail["attachment"] = bytes(mail["attachment"])  # type: ignore[call-overload]
        if mail["status"] == "sent":
            mail["claimed_at"] = None  # the only time that the queue does not keep
    return kept


def _plant(engine: Engine) -> None:
    for statement in (_PLANT_MAILS, _PLANT_WEBHOOKS, _PLANT_ATTEMPTS):
        rows(engine, statement.replace(":at", f"timestamptz '{NOON.isoformat()}'"))
    rows(engine, "INSERT INTO webhook_cursor (change_id) VALUES (41) RETURNING change_id")


def test_mails_and_webhooks_move_into_one_queue_and_back(empty_engine: Engine) -> None:
    upgrade(empty_engine, "0018")
    _plant(empty_engine)
    before = _old(empty_engine)
    upgrade(empty_engine)
    moved = rows(
        empty_engine,
        "SELECT channel, key, status, lease IS NOT NULL AS leased, tries FROM outgoing_messages ORDER BY id",
    )
    assert [tuple(row) for row in moved] == [
        ("webhook", "evt_1", "delivered", False, 1),
        ("webhook", "evt_2", "failed", False, 2),
        ("webhook", "evt_3", "pending", False, 3),
        ("mail", "pending", "pending", False, 0),
        ("mail", "sending", "pending", True, 1),
        ("mail", "sent", "delivered", False, 1),
        ("mail", "failed", "failed", False, 1),
        ("mail", "unknown", "unknown", False, 1),
    ]
    (cursor,) = rows(empty_engine, "SELECT consumer, change_id FROM change_cursors")
    assert tuple(cursor) == ("webhook", 41)
    downgrade(empty_engine, "0018")
    assert _old(empty_engine) == before
