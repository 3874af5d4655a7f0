"""Facts about the database for the health check: schema, clock, size, inbox, mail, champions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, select, text

from domain.promotion import SERVES
from store.db.engine import migration_config, reading
from store.db.statements import ask
from store.schema.tables import model_ledger

RECENT = timedelta(days=7)
"""Age up to which a mail that failed is reported."""

_CLOCK = text("SELECT clock_timestamp() AS now, pg_database_size(current_database()) AS bytes")
_INBOX = text("""
    SELECT count(*) FILTER (WHERE is_due) AS due, min(since) FILTER (WHERE is_due) AS oldest,
        count(*) FILTER (WHERE is_parked) AS parked
    FROM (
        SELECT parked_at IS NOT NULL AS is_parked, greatest(received_at, due_at) AS since,
            parked_at IS NULL AND coalesce(due_at, :now) <= :now AS is_due
        FROM inbox WHERE processed_at IS NULL AND type IS NOT NULL
    ) AS unfinished
""")
# A leased mail is being sent: neither waiting nor unknown.
_OUTBOX = text("""
    SELECT status, count(*) AS mails, min(created_at) AS oldest FROM outgoing_messages
    WHERE channel = 'mail' AND (
        status = 'pending' AND lease IS NULL OR status IN ('failed', 'unknown') AND created_at > :since
    )
    GROUP BY status
""")


@dataclass(frozen=True)
class InboxCounts:
    """Number of events due now, since when the oldest is due, and number of parked events."""

    due: int
    oldest: datetime | None
    parked: int


def schema_versions(engine: Engine) -> tuple[str | None, str]:
    """The schema version of the database and the newest one of this code. Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        newest = ScriptDirectory.from_config(migration_config(connection)).get_current_head()
    return current, str(newest)


def clock_and_size(engine: Engine) -> tuple[datetime, int]:
    """The present moment by the database's clock, and the size of the database in bytes. Raises DatabaseUnavailable."""
    (row,) = ask(engine, _CLOCK, {})
    return row.now, int(row.bytes)


def inbox_counts(engine: Engine, now: datetime) -> InboxCounts:
    """Counts of unfinished events. Raises DatabaseUnavailable."""
    (row,) = ask(engine, _INBOX, {"now": now})
    return InboxCounts(**row._mapping)


def outbox_counts(engine: Engine, now: datetime) -> tuple[Mapping[str, int], datetime | None]:
    """Number of undelivered mails by status, and creation of the oldest pending one. Raises DatabaseUnavailable."""
    rows = {row.status: row for row in ask(engine, _OUTBOX, {"since": now - RECENT})}
    pending = rows.get("pending")
    return {status: row.mails for status, row in rows.items()}, pending.oldest if pending else None


def champion_since(engine: Engine, name: str) -> tuple[str, datetime] | None:
    """Version of the champion and the moment it became champion; None before the first. Raises DatabaseUnavailable."""
    newest = (
        select(model_ledger.c.version, model_ledger.c.at)
        .where(model_ledger.c.name == name, model_ledger.c.action.in_(sorted(SERVES)))
        .order_by(model_ledger.c.id.desc())
        .limit(1)
    )
    with reading(engine) as connection:
        row = connection.execute(newest).first()
    return (row.version, row.at) if row else None
