"""Tables of erased people and of retention: tombstones, erasures to be swept, and how far thinning went."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from store.tables import metadata

__all__ = ["erased_ids", "erasure_secret", "erasures", "metadata", "retention_marks"]

_TIME = DateTime(timezone=True)

erasure_secret = Table(
    "erasure_secret",
    metadata,
    Column("single", Boolean, primary_key=True, server_default=text("true")),
    Column("secret", LargeBinary, nullable=False),
    CheckConstraint("single", name="single"),  # one row, ever
)

erased_ids = Table(
    "erased_ids",
    metadata,
    Column("kind", Text),
    Column("hash", Text),
    Column("erased_at", _TIME, nullable=False),
    PrimaryKeyConstraint("kind", "hash"),
    CheckConstraint("kind IN ('tutor', 'student', 'session')", name="kind"),
)
"""Tombstones: `erasure_hash(kind, id)` of every erased person, and of sessions of theirs that were never stored."""

erasures = Table(
    "erasures",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject_id", Text, nullable=False),  # the random id
    Column("erased_at", _TIME, nullable=False),
    Column("swept_at", _TIME),  # when files were swept and tables vacuumed after it
    CheckConstraint("kind IN ('tutor', 'student')", name="kind"),
    Index("ix_erasures_unswept", "id", postgresql_where=text("swept_at IS NULL")),
)

retention_marks = Table(
    "retention_marks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("done_before", _TIME, nullable=False),
)
