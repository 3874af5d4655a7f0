"""Tables of outgoing messages, their delivery attempts, and cursors of consumers of score changes."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from store.schema.tables import metadata

__all__ = ["change_cursors", "delivery_attempts", "metadata", "outgoing_messages"]

_TIME = DateTime(timezone=True)


def _number() -> Column:
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


outgoing_messages = Table(
    "outgoing_messages",
    metadata,
    _number(),
    Column("channel", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("attachment", LargeBinary),
    Column("created_at", _TIME, nullable=False),
    Column("due_at", _TIME, nullable=False),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("lease", Uuid),
    Column("leased_until", _TIME),
    Column("status", Text, nullable=False, server_default=text("'pending'")),
    Column("finished_at", _TIME),
    UniqueConstraint("channel", "key"),
    CheckConstraint("channel IN ('mail', 'webhook')", name="channel"),
    CheckConstraint("status IN ('pending', 'delivered', 'failed', 'unknown')", name="status"),
    CheckConstraint("(status = 'pending') = (finished_at IS NULL)", name="finished"),
    # A line break in a header would allow a name to inject headers.
    CheckConstraint(
        "channel <> 'mail' OR (body ->> 'to') !~ '[\\r\\n]' AND (body ->> 'subject') !~ '[\\r\\n]'", name="one_line"
    ),
    CheckConstraint(
        "channel <> 'mail' OR ((body ->> 'attachment_name') IS NULL) = (attachment IS NULL)", name="attachment"
    ),
    Index("ix_outgoing_messages_due", "channel", "due_at", postgresql_where=text("status = 'pending'")),
    Index("ix_outgoing_messages_finished", "channel", "created_at", postgresql_where=text("status <> 'pending'")),
)

delivery_attempts = Table(
    "delivery_attempts",
    metadata,
    _number(),
    Column("message_id", BigInteger, ForeignKey("outgoing_messages.id"), nullable=False, index=True),
    Column("at", _TIME, nullable=False),
    Column("status_code", Integer),
    Column("error", Text),
    Column("seconds", Double, nullable=False),
)

change_cursors = Table(
    "change_cursors",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("change_id", BigInteger, nullable=False),
)
"""The last score change that each consumer has queued messages for."""
