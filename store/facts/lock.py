"""The lock of whoever writes what happened: an import, a batch of events, an erasure."""

from sqlalchemy import Connection, text

FACTS_LOCK = 7_205_002
"""Two transactions that write at once could each miss the other's rows."""


def hold_facts(connection: Connection) -> None:
    """Wait for the lock and hold it until the transaction ends."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": FACTS_LOCK})
