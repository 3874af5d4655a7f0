"""Tables of score changes and of quality requests for transcripts."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    Identity,
    Index,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from store.schema.tables import metadata

__all__ = ["metadata", "quality_requests", "score_changes"]

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
