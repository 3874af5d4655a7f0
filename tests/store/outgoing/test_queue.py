"""The queue of outgoing messages: separate channels, and no outcome from an expired lease."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from domain.outgoing import POLICIES, Channel, DeliveryStatus
from store.db.engine import writing
from store.outgoing.queue import Attempt, NewMessage, enqueue, lease_due, settle
from tests.lib.inbox_parts import rows

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
BODY = {"to": "a@example.org", "subject": "s", "text": "t", "html": None, "attachment_name": None}


def _enqueue(engine: Engine, channel: Channel, *keys: str) -> int:
    with writing(engine) as connection:
        return enqueue(connection, channel, [NewMessage(key, "type", BODY) for key in keys], NOON)


def test_a_key_is_unique_within_its_channel_and_a_lease_stays_within_it(engine: Engine) -> None:
    assert _enqueue(engine, Channel.MAIL, "1", "2") == 2
    assert _enqueue(engine, Channel.WEBHOOK, "1", "1", "3") == 2
    assert [message.key for message in lease_due(engine, Channel.WEBHOOK, uuid4(), NOON, 10)] == ["1", "3"]
    assert [message.key for message in lease_due(engine, Channel.MAIL, uuid4(), NOON, 10)] == ["1", "2"]
    assert _enqueue(engine, Channel.MAIL) == 0


def test_a_webhook_with_an_expired_lease_is_leased_again_and_the_last_lease_decides(engine: Engine) -> None:
    _enqueue(engine, Channel.WEBHOOK, "1")
    first, second = uuid4(), uuid4()
    (message,) = lease_due(engine, Channel.WEBHOOK, first, NOON, 10)
    later = NOON + POLICIES[Channel.WEBHOOK].lease
    (again,) = lease_due(engine, Channel.WEBHOOK, second, later, 10)
    assert (message.tries, again.tries) == (1, 2)
    settle(engine, message, first, Attempt(NOON, 500, "late", 1), DeliveryStatus.FAILED, later)
    settle(engine, again, second, Attempt(later, 204, None, 1), DeliveryStatus.DELIVERED, later)
    assert [row.status for row in rows(engine, "SELECT status FROM outgoing_messages")] == ["delivered"]
    assert len(rows(engine, "SELECT id FROM delivery_attempts")) == 2


@pytest.mark.parametrize("field", ["to", "subject"])
def test_the_database_refuses_a_mail_whose_header_has_a_second_line(engine: Engine, field: str) -> None:
    with pytest.raises(IntegrityError, match="one_line"), writing(engine) as connection:
        enqueue(connection, Channel.MAIL, [NewMessage("1", "drift", BODY | {field: "a\nBcc: b"})], NOON)
