"""Mails in the queue of outgoing messages. A mail is sent at most once."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine

from domain.mail import Attachment, Mail
from domain.outgoing import Channel, DeliveryStatus
from store.db.engine import writing
from store.outgoing.queue import NewMessage, QueuedMessage, enqueue, lease_due, mark_unknown, messages_with_status


@dataclass(frozen=True)
class QueuedMail:
    """A mail and its message in the queue."""

    message: QueuedMessage
    mail: Mail


def enqueue_mail(engine: Engine, mail: Mail, kind: str, key: str, now: datetime) -> bool:
    """Enqueue a mail. Returns False, and enqueues nothing, if the key was ever used. Raises DatabaseUnavailable."""
    attached = mail.attachment
    body = {
        "to": mail.to,
        "subject": mail.subject,
        "text": mail.text,
        "html": mail.html,
        "attachment_name": attached.name if attached else None,
    }
    message = NewMessage(key, kind, body, attached.content if attached else None)
    with writing(engine) as connection:
        return enqueue(connection, Channel.MAIL, [message], now) == 1


def lease_mails(engine: Engine, lease: UUID, now: datetime, limit: int = 10) -> list[QueuedMail]:
    """Lease mails to send, oldest first. Mails whose sender died become `unknown` first. Raises DatabaseUnavailable."""
    mark_unknown(engine, Channel.MAIL, now)
    return [_queued(message) for message in lease_due(engine, Channel.MAIL, lease, now, limit)]


def unknown_mails(engine: Engine) -> list[QueuedMail]:
    """Mails that may or may not have been sent, oldest first, for a person to decide. Raises DatabaseUnavailable."""
    return [_queued(message) for message in messages_with_status(engine, Channel.MAIL, DeliveryStatus.UNKNOWN)]


def _queued(message: QueuedMessage) -> QueuedMail:
    body, name = message.body, message.body["attachment_name"]
    attached = None if name is None else Attachment(name, bytes(message.attachment or b""))
    return QueuedMail(message, Mail(body["to"], body["subject"], body["text"], attached, body["html"]))
