"""Counting requests in PostgreSQL, so that any number of processes count together."""

import time
from typing import Any

from limits.storage import Storage
from sqlalchemy import delete, func, select, text

from domain.errors import DatabaseUnavailable
from store.db.engine import Engine, ping, writing
from store.schema.access import rate_limits

PRUNE_EVERY = 1000
"""One count in so many also removes those whose time is over."""

# One statement, so that two processes counting at once lose nothing. A count whose time is over begins anew.
_COUNT = text("""
    INSERT INTO rate_limits AS held (key, count, expires_at)
    VALUES (:key, :amount, now() + make_interval(secs => :expiry))
    ON CONFLICT (key) DO UPDATE SET
        count = CASE WHEN held.expires_at <= now() THEN 0 ELSE held.count END + excluded.count,
        expires_at = CASE WHEN held.expires_at <= now() THEN excluded.expires_at ELSE held.expires_at END
    RETURNING count
""")


class PostgresStorage(Storage):
    """A storage of the library `limits`. Every method raises DatabaseUnavailable where the database does not answer.

    The table is unlogged: after a crash of the database everybody begins at zero.
    """

    STORAGE_SCHEME = None  # made here, never from an address

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine, self._counted = engine, 0

    @property
    def base_exceptions(self) -> type[Exception]:
        """What goes wrong with it."""
        return DatabaseUnavailable

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count; the sum so far. `expiry` in seconds counts from the first of them."""
        with writing(self._engine) as connection:
            found = connection.execute(_COUNT, {"key": key, "amount": amount, "expiry": expiry}).scalar_one()
        self._counted += 1
        if self._counted % PRUNE_EVERY == 0:
            self.prune()
        return int(found)

    def get(self, key: str) -> int:
        """The sum so far, zero where its time is over."""
        row = self._row(key)
        return row.count if row else 0

    def get_expiry(self, key: str) -> float:
        """When the count begins anew, in seconds since 1970; now where nothing is counted."""
        row = self._row(key)
        return row.expires_at.timestamp() if row else time.time()

    def check(self) -> bool:
        """That the database answers."""
        ping(self._engine)
        return True

    def reset(self) -> int:
        """Forget everything; how many counts there were."""
        with writing(self._engine) as connection:
            return connection.execute(delete(rate_limits)).rowcount

    def clear(self, key: str) -> None:
        """Forget one count."""
        with writing(self._engine) as connection:
            connection.execute(delete(rate_limits).where(rate_limits.c.key == key))

    def prune(self) -> int:
        """Remove the counts whose time is over; how many those were."""
        with writing(self._engine) as connection:
            return connection.execute(delete(rate_limits).where(rate_limits.c.expires_at <= func.now())).rowcount

    def _row(self, key: str) -> Any:
        alive = (rate_limits.c.key == key) & (rate_limits.c.expires_at > func.now())
        with writing(self._engine) as connection:
            return connection.execute(select(rate_limits).where(alive)).one_or_none()
