"""Tables of erasures: tombstones and the secret of their hashes."""

from sqlalchemy import Boolean, CheckConstraint, Column, DateTime, LargeBinary, PrimaryKeyConstraint, Table, Text, text

from store.schema.tables import metadata

__all__ = ["erased_ids", "erasure_secret", "metadata"]

erasure_secret = Table(
    "erasure_secret",
    metadata,
    Column("single", Boolean, primary_key=True, server_default=text("true")),
    Column("secret", LargeBinary, nullable=False),
    CheckConstraint("single", name="single"),  # a single row
)

erased_ids = Table(
    "erased_ids",
    metadata,
    Column("kind", Text),
    Column("hash", Text),
    Column("erased_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("kind", "hash"),
    CheckConstraint("kind IN ('tutor', 'student', 'session')", name="kind"),
)
"""Tombstones: `erasure_hash(kind, id)` of erased people, and of sessions named by later events about them."""
