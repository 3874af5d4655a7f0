"""The tables of what changed in the scores, what Rails is told of it, and what is asked of transcripts."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from store.schema.tables import metadata

__all__ = ["metadata", "quality_requests", "score_changes", "webhook_attempts", "webhook_cursor", "webhook_deliveries"]

_TIME = DateTime(timezone=True)


def _number() -> Column:
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


score_changes = Table(
    "score_changes",
    metadata,
    _number(),
    Column("tutor_id", Text, nullable=False),
    Column("subject_kind", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("value", Double, nullable=False),
    Column("band", Text, nullable=False),
    Column("previous_value", Double),
    Column("previous_band", Text),
    Column("model_version", Text, nullable=False),
    Column("as_of", _TIME, nullable=False),
    Column("created_at", _TIME, nullable=False, server_default=text("now()")),
    Index(None, "tutor_id", "id"),
    Index("ix_score_changes_told", "subject_kind", "subject_id", "kind", "id"),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    _number(),
    Column("event_id", Text, nullable=False, unique=True),
    Column("type", Text, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("due_at", _TIME, nullable=False),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("lease", Uuid),
    Column("leased_until", _TIME),
    Column("delivered_at", _TIME),
    Column("failed_at", _TIME),
    Index(
        "ix_webhook_deliveries_done",
        "created_at",
        postgresql_where=text("delivered_at IS NOT NULL OR failed_at IS NOT NULL"),
    ),
    Index(
        "ix_webhook_deliveries_due",
        "due_at",
        postgresql_where=text("delivered_at IS NULL AND failed_at IS NULL"),
    ),
)

webhook_cursor = Table(
    "webhook_cursor",
    metadata,
    Column("single", Boolean, primary_key=True, server_default=text("true")),
    Column("change_id", BigInteger, nullable=False),
    CheckConstraint("single", name="single"),  # one row, ever
)

webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    _number(),
    Column("delivery_id", BigInteger, ForeignKey("webhook_deliveries.id"), nullable=False, index=True),
    Column("at", _TIME, nullable=False),
    Column("status_code", Integer),
    Column("error", Text),
    Column("seconds", Double, nullable=False),
)

quality_requests = Table(
    "quality_requests",
    metadata,
    Column("id", Text, primary_key=True),
    Column("session_id", Text, nullable=False, index=True),
    Column("requested_at", _TIME, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("status", Text, nullable=False, server_default=text("'accepted'")),
    Column("scorer", Text),
    Column("result", JSONB(none_as_null=True)),
    Column("finished_at", _TIME),
    CheckConstraint("status IN ('accepted', 'scored', 'withheld', 'failed')", name="status"),
)
