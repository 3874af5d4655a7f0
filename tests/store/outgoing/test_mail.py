"""Queued mails: one per key, leased once, and unknown outcomes listed."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import Engine

from domain.mail import Attachment, Mail
from domain.outgoing import POLICIES, Channel, DeliveryStatus
from store.outgoing.mail import enqueue_mail, lease_mails, unknown_mails
from store.outgoing.queue import Attempt, settle
from tests.lib.inbox_parts import rows

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
LEASE = POLICIES[Channel.MAIL].lease
MAIL = Mail("admin@example.org", "Drift", "Nothing drifted.", Attachment("report.html", b"\x00<html>"), "<p>\u2028")


def _enqueue(engine: Engine) -> bool:
    return enqueue_mail(engine, MAIL, "drift", "drift:2026-W13", NOON)


def test_a_mail_of_one_key_is_queued_once_and_leased_once(engine: Engine) -> None:
    assert _enqueue(engine)
    assert not _enqueue(engine)
    lease = uuid4()
    (queued,) = lease_mails(engine, lease, NOON)
    assert queued.mail == MAIL
    assert lease_mails(engine, uuid4(), NOON) == []
    settle(engine, queued.message, lease, Attempt(NOON, None, None, 0), DeliveryStatus.DELIVERED, NOON)
    assert lease_mails(engine, uuid4(), NOON + 2 * LEASE) == []
    assert unknown_mails(engine) == []


def test_a_mail_whose_sender_died_is_listed_as_unknown_and_not_sent_again(engine: Engine) -> None:
    _enqueue(engine)
    lease_mails(engine, uuid4(), NOON)
    assert lease_mails(engine, uuid4(), NOON + LEASE) == []
    assert [queued.message.key for queued in unknown_mails(engine)] == ["drift:2026-W13"]
    assert lease_mails(engine, uuid4(), NOON + 2 * LEASE) == []


def test_a_sender_that_was_only_slow_still_records_the_outcome(engine: Engine) -> None:
    _enqueue(engine)
    lease = UUID(int=1)
    (queued,) = lease_mails(engine, lease, NOON)
    lease_mails(engine, uuid4(), NOON + LEASE)
    late = NOON + 2 * LEASE
    settle(engine, queued.message, lease, Attempt(late, None, "refused", 0), DeliveryStatus.FAILED, late)
    assert unknown_mails(engine) == []
    (row,) = rows(engine, "SELECT status, finished_at, lease FROM outgoing_messages")
    assert tuple(row) == ("failed", late, None)
    assert [row.error for row in rows(engine, "SELECT error FROM delivery_attempts")] == ["refused"]


def test_mails_are_leased_in_the_order_in_which_they_were_queued(engine: Engine) -> None:
    for number in range(12):
        enqueue_mail(engine, MAIL, "drift", f"drift {number}", NOON + timedelta(minutes=number))
    keys = [queued.message.key for queued in lease_mails(engine, uuid4(), NOON + LEASE)]
    assert keys == [f"drift {number}" for number in range(10)]
