"""Core tables. Tables of datasets follow `domain.schema` field by field.

The migrations create the tables; a test compares the result with these definitions.
"""

from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.types import TypeEngine

from domain.promotion import Action
from domain.schema import KINDS, Field, FieldType, Kind
from domain.vocabulary import AttributeType, ScoreKind, SubjectKind

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

WITH_ATTRIBUTES = ("tutors", "sessions")
"""Kinds to which a customer may add columns, stored in one `attributes` column."""

_TIME = DateTime(timezone=True)
_TYPES: dict[FieldType, TypeEngine[Any]] = {
    FieldType.TEXT: Text(),
    FieldType.CHOICE: Text(),
    FieldType.TIME: _TIME,
    FieldType.NUMBER: Double(),
}
_NOTICE_HOURS = "((EXTRACT(epoch FROM (old_starts_at - requested_at)) / 3600.0))::double precision"


def _one_of(column: str, choices: type[StrEnum]) -> CheckConstraint:
    values = ", ".join(f"'{choice}'" for choice in choices)
    return CheckConstraint(f"{column} IN ({values})", name=column)


def _field_column(field: Field, kind: Kind) -> Column:
    refers_to = [ForeignKey(f"{field.refers_to}.{KINDS[field.refers_to].key}")] if field.refers_to else []
    is_key = field.name == kind.key
    return Column(field.name, _TYPES[field.type], *refers_to, primary_key=is_key, nullable=not field.required)


def _kind_table(kind: Kind, *more: Column | Index) -> Table:
    columns = [_field_column(field, kind) for field in kind.fields]
    choices = [_one_of(field.name, field.choices) for field in kind.fields if field.choices is not None]
    orders = [
        CheckConstraint(f"{earlier} <= {later}", name=f"{earlier}_before_{later}") for earlier, later in kind.ordered
    ]
    return Table(kind.name, metadata, *columns, *more, *choices, *orders)


def _attributes() -> Column:
    return Column("attributes", JSONB, nullable=False, server_default=text("'{}'::jsonb"))


def _exported_at(name: str = "exported_at") -> Column:
    """Moment of the export that last wrote the row; null if it was not declared."""
    return Column(name, _TIME)


def _number() -> Column:
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


tutors = _kind_table(
    KINDS["tutors"],
    _attributes(),
    # Changes with every write about the tutor, so that a cached history is valid until then.
    Column("history_stamp", UUID, nullable=False, server_default=text("gen_random_uuid()")),
    _exported_at(),
    Column("erased_at", _TIME),
)
students = _kind_table(KINDS["students"], Column("erased_at", _TIME))
sessions = _kind_table(
    KINDS["sessions"],
    _attributes(),
    _exported_at(),
    _exported_at("attributes_exported_at"),
    Index(None, "tutor_id", "starts_at"),
    Index(None, "student_id"),
    # Booked sessions are a small share of all; the hourly scoring reads only these.
    Index("ix_sessions_booked", "starts_at", postgresql_where=text("status = 'booked'")),
)
reschedules = _kind_table(
    KINDS["reschedules"],
    Column("notice_hours", Double, Computed(_NOTICE_HOURS, persisted=True)),
    Index(None, "tutor_id", "requested_at"),
    Index(None, "session_id"),
)
messages = _kind_table(KINDS["messages"], Index(None, "tutor_id", "sent_at"), Index(None, "student_id"))
transcripts = _kind_table(KINDS["transcripts"], _exported_at())

attribute_definitions = Table(
    "attribute_definitions",
    metadata,
    Column("kind", Text),
    Column("name", Text),
    Column("type", Text, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("position", Integer, nullable=False),  # order of the columns, so that a dataset is read back unchanged
    Column("known_when_asked", Text, nullable=False, server_default=text("''")),
    PrimaryKeyConstraint("kind", "name"),
    CheckConstraint("kind IN ('tutors', 'sessions')", name="kind"),
    _one_of("type", AttributeType),
)

dataset_facts = Table(
    "dataset_facts",
    metadata,
    Column("single", Boolean, primary_key=True, server_default=text("true")),
    Column("departures_given", Boolean, nullable=False),
    Column("histories", JSONB(none_as_null=True)),  # [kind, name] of each group; null if not declared
    Column("asked", Interval),
    CheckConstraint("single", name="single"),  # a single row
)

_WITHIN_LIMIT = " AND ".join(f"{c} BETWEEN 0 AND coalesce(out_of, 1)" for c in ("value", "low", "high"))
scores = Table(
    "scores",
    metadata,
    _number(),
    Column("subject_kind", Text, nullable=False),
    Column("subject_id", Text, nullable=False),  # no foreign key: it names a tutor or a session
    Column("kind", Text, nullable=False),
    Column("value", Double, nullable=False),
    Column("low", Double, nullable=False),
    Column("high", Double, nullable=False),
    Column("reasons", JSONB, nullable=False),
    Column("action", Text),
    Column("model_version", Text, nullable=False),
    Column("as_of", _TIME, nullable=False),
    Column("created_at", _TIME, nullable=False, server_default=text("now()")),
    Column("what_if", JSONB(none_as_null=True)),
    Column("act_from", Double, server_default=text("0.5")),
    Column("out_of", Integer),  # of a count; null for a fraction
    _one_of("subject_kind", SubjectKind),
    _one_of("kind", ScoreKind),
    CheckConstraint(f"(kind = '{ScoreKind.SESSIONS_AT_RISK}') = (out_of IS NOT NULL)", name="out_of"),
    CheckConstraint(_WITHIN_LIMIT, name="within_limit"),
    Index("ix_scores_latest", "subject_kind", "subject_id", "kind", "as_of", "id"),
    Index("ix_scores_as_of", "kind", "as_of"),  # for the last sweep
)

model_artifacts = Table(
    "model_artifacts",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("model", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False),
)

model_ledger = Table(
    "model_ledger",
    metadata,
    _number(),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("sha256", Text, ForeignKey("model_artifacts.sha256"), nullable=False),
    # Not part of the artifact: the same trees with another calibration are another version.
    Column("sidecar", JSONB, nullable=False),
    Column("action", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", _TIME, nullable=False),
    Column("decision", JSONB),
    Column("card", Text),
    Column("forced", Boolean, nullable=False, server_default=text("false")),
    _one_of("action", Action),
    CheckConstraint("NOT forced OR reason ~ '\\S'", name="because"),
    Index("ix_model_ledger_latest", "name", "action", "id"),
    # A version has exactly one training.
    Index("ux_model_ledger_trained", "name", "version", unique=True, postgresql_where=text("action = 'candidate'")),
)

shadow_scores = Table(
    "shadow_scores",
    metadata,
    _number(),
    Column("subject_kind", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("value", Double, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("as_of", _TIME, nullable=False),
    Column("created_at", _TIME, nullable=False, server_default=text("now()")),
    CheckConstraint("value BETWEEN 0 AND 1", name="fraction"),
    Index("ix_shadow_scores_created_at", "created_at"),
    Index("ix_shadow_scores_pair", "model_version", "kind", "subject_kind", "subject_id", "as_of"),
)

model_comparisons = Table(
    "model_comparisons",
    metadata,
    _number(),
    Column("name", Text, nullable=False),
    Column("challenger", Text, nullable=False),
    Column("champion", Text, nullable=False),
    Column("decision", JSONB, nullable=False),
    Column("at", _TIME, nullable=False),
    Index("ix_model_comparisons_latest", "name", "challenger", "champion", "id"),
)
