"""Tables of contacts, all append-only: the status of a contact is that of its last event.

`metadata` is that of `store.schema.tables`, which contains these tables only after this module is imported.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

from store.schema.tables import metadata

__all__ = ["contact_effects", "contact_events", "contact_plans", "contact_sessions", "contacts", "metadata"]

_TIME = DateTime(timezone=True)

contact_plans = Table(
    "contact_plans",
    metadata,
    Column("day", Date, primary_key=True),
    Column("capacity", Integer, nullable=False),
    Column("holdout_share", Double, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("made_at", _TIME, nullable=False),
    CheckConstraint("capacity >= 0", name="capacity"),
    CheckConstraint("holdout_share >= 0 AND holdout_share < 1", name="holdout_share"),
)

contacts = Table(
    "contacts",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("day", Date, ForeignKey("contact_plans.day"), nullable=False),
    Column("tutor_id", Text, ForeignKey("tutors.tutor_id"), nullable=False),
    Column("arm", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("expected_prevented", Double),  # null until the effect is measured
    UniqueConstraint("day", "tutor_id"),  # at most one contact per day
    CheckConstraint("arm IN ('contact', 'holdout')", name="arm"),
)

contact_sessions = Table(
    "contact_sessions",
    metadata,
    Column("contact_id", BigInteger, ForeignKey("contacts.id")),
    Column("session_id", Text, ForeignKey("sessions.session_id")),
    # As of the planning: the session may be moved, and its risk changes.
    Column("starts_at", _TIME, nullable=False),
    Column("risk", Double, nullable=False),
    PrimaryKeyConstraint("contact_id", "session_id"),
    CheckConstraint("risk BETWEEN 0 AND 1", name="risk"),
)

contact_events = Table(
    "contact_events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("contact_id", BigInteger, ForeignKey("contacts.id"), nullable=False),
    Column("status", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("note", Text),
    Column("at", _TIME, nullable=False),
    CheckConstraint("status IN ('planned', 'unreached', 'done')", name="status"),
    Index("ix_contact_events_latest", "contact_id", "id"),
)

contact_effects = Table(
    "contact_effects",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("measured_at", _TIME, nullable=False),
    # All effects of one moment, as domain.interventions.Effect: they are valid and read only together.
    Column("effects", JSONB, nullable=False),
)
