"""Mail as rows before it is sent.

A mail is claimed (`sending`) before it goes out and marked after. A process that dies between the two leaves it
neither sent nor unsent: it becomes `unknown` and is listed, never sent a second time by itself.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Row, select, update
from sqlalchemy.dialects.postgresql import insert

from domain.mail import Attachment, Mail
from store.db.engine import reading, writing
from store.schema.tables import outbox


@dataclass(frozen=True)
class QueuedMail:
    """A mail in the outbox."""

    id: int
    key: str
    mail: Mail


def enqueue(engine: Engine, mail: Mail, kind: str, key: str, now: datetime) -> bool:
    """Put a mail into the outbox; False, and nothing done, if one with that key was ever there."""
    attached = mail.attachment
    row = insert(outbox).values(
        key=key,
        kind=kind,
        created_at=now,
        recipient=mail.to,
        subject=mail.subject,
        body=mail.text,
        html=mail.html,
        attachment_name=attached.name if attached else None,
        attachment=attached.content if attached else None,
    )
    with writing(engine) as connection:
        return connection.execute(row.on_conflict_do_nothing(index_elements=["key"])).rowcount == 1


def claim(engine: Engine, now: datetime, limit: int = 10) -> list[QueuedMail]:
    """Take pending mails to send, oldest first, and mark them `sending`. No two callers get the same."""
    pending = select(outbox.c.id).where(outbox.c.status == "pending").order_by(outbox.c.id).limit(limit)
    taken = (
        update(outbox)
        .where(outbox.c.id.in_(pending.with_for_update(skip_locked=True)))
        .values(status="sending", claimed_at=now)
        .returning(outbox)
    )
    with writing(engine) as connection:
        return sorted(map(_queued, connection.execute(taken)), key=lambda queued: queued.id)


def mark_sent(engine: Engine, mail_id: int, now: datetime) -> None:
    """The mail server took it."""
    _mark(engine, mail_id, status="sent", sent_at=now)


def mark_failed(engine: Engine, mail_id: int, error: str) -> None:
    """The mail server refused it, or was not reached at all, so that it certainly was not sent."""
    _mark(engine, mail_id, status="failed", error=error)


def mark_lost(engine: Engine, claimed_before: datetime) -> int:
    """Mark as `unknown` what was claimed before a moment and never marked since. Returns how many."""
    lost = outbox.c.status == "sending", outbox.c.claimed_at < claimed_before
    with writing(engine) as connection:
        return connection.execute(update(outbox).where(*lost).values(status="unknown")).rowcount


def unknown(engine: Engine) -> list[QueuedMail]:
    """Mails that may or may not have gone out, oldest first, for a person to decide."""
    with reading(engine) as connection:
        found = select(outbox).where(outbox.c.status == "unknown").order_by(outbox.c.id)
        return [_queued(row) for row in connection.execute(found)]


def _mark(engine: Engine, mail_id: int, **values: object) -> None:
    with writing(engine) as connection:
        connection.execute(update(outbox).where(outbox.c.id == mail_id).values(**values))


def _queued(row: Row[Any]) -> QueuedMail:
    attached = None if row.attachment_name is None else Attachment(row.attachment_name, bytes(row.attachment))
    return QueuedMail(row.id, row.key, Mail(row.recipient, row.subject, row.body, attached, row.html))
