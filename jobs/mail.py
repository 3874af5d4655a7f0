"""Sending of queued mails, each at most once."""

from datetime import datetime
from uuid import UUID, uuid4

from domain.errors import MailNotSent, MailOutcomeUnknown
from domain.outgoing import DeliveryStatus
from gateways.mail import send
from gateways.settings import Settings
from store.db.engine import Engine
from store.outgoing.mail import QueuedMail, lease_mails, unknown_mails
from store.outgoing.queue import Attempt, settle


def send_mails(engine: Engine, settings: Settings, now: datetime) -> int:
    """Send queued mails, each at most once. Returns the number sent: 0 without a mail server, and the mails wait.

    Raises DatabaseUnavailable.
    """
    if settings.smtp_url is None:
        print("TQS_SMTP_URL is not set: mails wait in the queue")
        return 0
    lease = uuid4()
    mails = lease_mails(engine, lease, now)
    for lost in unknown_mails(engine):
        print(f"mail {lost.message.id} ({lost.message.key}) may or may not have been sent. It is not sent again.")
    return sum(_send(engine, queued, lease, settings.smtp_url, settings.mail_from, now) for queued in mails)


def _send(engine: Engine, queued: QueuedMail, lease: UUID, smtp_url: str, sender: str, now: datetime) -> bool:
    """Send a mail and settle it. Returns whether the mail server accepted it."""
    status, error = DeliveryStatus.DELIVERED, None
    try:
        send(queued.mail, smtp_url, sender=sender, key=queued.message.key, now=now)
    except MailNotSent as failure:
        status, error = DeliveryStatus.FAILED, str(failure)
        print(f"mail {queued.message.id} not sent: {error}")
    except MailOutcomeUnknown as failure:
        status, error = DeliveryStatus.UNKNOWN, str(failure)
        print(f"mail {queued.message.id} may or may not have been sent: {error}")
    settle(engine, queued.message, lease, Attempt(now, None, error, 0.0), status, now)
    return status is DeliveryStatus.DELIVERED
