"""Lock of transactions that write facts: an import, a batch of events, an erasure."""

from sqlalchemy import Connection, text

FACTS_LOCK = 7_205_002
"""Key of the advisory lock. Two concurrent writers could each miss the other's rows."""


def hold_facts(connection: Connection) -> None:
    """Acquire the lock until the transaction ends; waits for another holder."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": FACTS_LOCK})
