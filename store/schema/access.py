"""Tables for API keys, the audit log and rate-limit counters."""

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Identity, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from store.schema.tables import metadata

__all__ = ["api_keys", "audit", "metadata", "rate_limits"]

_TIME = DateTime(timezone=True)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("scopes", ARRAY(Text)),
    Column("tutor_id", Text),
    Column("secret_sha256", Text, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at", _TIME),
    Column("revoked_at", _TIME),
    Column("last_used_at", _TIME),
    CheckConstraint("role IN ('ingest', 'read', 'admin', 'tutor')", name="role"),
    CheckConstraint("(role = 'tutor') = (tutor_id IS NOT NULL)", name="tutor"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", _TIME, nullable=False),
    Column("actor", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject_id", Text),
    Column("request_id", Text),
    Column("detail", JSONB(none_as_null=True)),
    Index(None, "subject_id", "at"),
    Index(None, "at"),
)

rate_limits = Table(
    "rate_limits",
    metadata,
    Column("key", Text, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("expires_at", _TIME, nullable=False),
    prefixes=["UNLOGGED"],
)
