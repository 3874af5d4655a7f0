"""Tables of the inbox and of the latest event about each record."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from store.schema.tables import metadata

__all__ = ["inbox", "latest_events", "metadata"]

_TIME = DateTime(timezone=True)
_TUTOR_ID = "((body -> 'data'::text) ->> 'tutor_id'::text)"
_STUDENT_ID = "((body -> 'data'::text) ->> 'student_id'::text)"

inbox = Table(
    "inbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("source", Text, nullable=False),
    Column("key", Text, nullable=False, unique=True),
    Column("body", JSONB, nullable=False),
    Column("received_at", _TIME, nullable=False),
    Column("processed_at", _TIME),
    Column("error", Text),
    Column("type", Text),  # null for an import
    Column("body_sha256", Text),
    Column("priority", SmallInteger, nullable=False, server_default=text("1")),  # 0 before 1
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("lease", Uuid),
    Column("leased_until", _TIME),
    Column("due_at", _TIME),  # earliest next try
    Column("parked_at", _TIME),
    Index("ix_inbox_waiting", "priority", "id", postgresql_where=text("processed_at IS NULL AND parked_at IS NULL")),
    Index(
        "ix_inbox_with_body",  # for retention
        "processed_at",
        postgresql_where=text("processed_at IS NOT NULL AND type IS NOT NULL AND body <> '{}'::jsonb"),
    ),
    Index("ix_inbox_parked", "id", postgresql_where=text("parked_at IS NOT NULL")),
    # An erasure finds the events about a person by index.
    Index("ix_inbox_tutors", text(_TUTOR_ID), postgresql_where=text(f"{_TUTOR_ID} IS NOT NULL")),
    Index("ix_inbox_students", text(_STUDENT_ID), postgresql_where=text(f"{_STUDENT_ID} IS NOT NULL")),
    Index(
        "ix_inbox_transcripts",
        text("((body -> 'data'::text) ->> 'session_id'::text)"),
        postgresql_where=text("type = 'transcript.ready'"),
    ),
)

latest_events = Table(
    "latest_events",
    metadata,
    Column("kind", Text),
    Column("id", Text),
    Column("happened_at", _TIME, nullable=False),
    Column("event_id", Text, nullable=False),
    PrimaryKeyConstraint("kind", "id"),
)
