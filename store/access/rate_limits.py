"""Rate-limit counters in PostgreSQL, shared by all API processes."""

import time
from typing import Any

from limits.storage import Storage
from sqlalchemy import delete, func, select, text

from domain.errors import DatabaseUnavailable
from store.db.engine import Engine, ping, writing
from store.schema.access import rate_limits

PRUNE_EVERY = 1000
"""Number of increments between removals of expired counters."""

# One statement, so that concurrent increments are not lost. An expired counter restarts.
_COUNT = text("""
    INSERT INTO rate_limits AS held (key, count, expires_at)
    VALUES (:key, :amount, now() + make_interval(secs => :expiry))
    ON CONFLICT (key) DO UPDATE SET
        count = CASE WHEN held.expires_at <= now() THEN 0 ELSE held.count END + excluded.count,
        expires_at = CASE WHEN held.expires_at <= now() THEN excluded.expires_at ELSE held.expires_at END
    RETURNING count
""")


class PostgresStorage(Storage):
    """Storage of the library `limits`. Every method raises DatabaseUnavailable.

    The table is unlogged: after a crash of the database all counters restart at zero.
    """

    STORAGE_SCHEME = None  # constructed directly, never from a URI

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine, self._counted = engine, 0

    @property
    def base_exceptions(self) -> type[Exception]:
        """Error that the storage raises."""
        return DatabaseUnavailable

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add to a counter. Returns the sum. `expiry` is in seconds from the first increment."""
        with writing(self._engine) as connection:
            total = connection.execute(_COUNT, {"key": key, "amount": amount, "expiry": expiry}).scalar_one()
        self._counted += 1
        if self._counted % PRUNE_EVERY == 0:
            self.prune()
        return int(total)

    def get(self, key: str) -> int:
        """Current sum; 0 if the counter has expired."""
        row = self._row(key)
        return row.count if row else 0

    def get_expiry(self, key: str) -> float:
        """Expiry of the counter in seconds since 1970; now if there is none."""
        row = self._row(key)
        return row.expires_at.timestamp() if row else time.time()

    def check(self) -> bool:
        """Return True if the database responds."""
        ping(self._engine)
        return True

    def reset(self) -> int:
        """Delete all counters. Returns their number."""
        with writing(self._engine) as connection:
            return connection.execute(delete(rate_limits)).rowcount

    def clear(self, key: str) -> None:
        """Delete one counter."""
        with writing(self._engine) as connection:
            connection.execute(delete(rate_limits).where(rate_limits.c.key == key))

    def prune(self) -> int:
        """Delete expired counters. Returns their number."""
        with writing(self._engine) as connection:
            return connection.execute(delete(rate_limits).where(rate_limits.c.expires_at <= func.now())).rowcount

    def _row(self, key: str) -> Any:
        alive = (rate_limits.c.key == key) & (rate_limits.c.expires_at > func.now())
        with writing(self._engine) as connection:
            return connection.execute(select(rate_limits).where(alive)).one_or_none()
