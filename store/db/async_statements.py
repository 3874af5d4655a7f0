"""Short questions and writes from an event loop, without a thread: handing one over costs more than asking.

A connection belongs to the loop that opened it, and plans each statement once. Where nothing is said of it, all is as
in `store.db.statements`: a statement is a transaction of its own.
"""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import asyncpg
from sqlalchemy import Engine

from store.db.engine import CONNECT_SECONDS, is_away_code, unavailable
from store.db.statements import Prepared

MOST_CONNECTIONS = 5
"""How many are open at once, at most."""

# Of what an address says after its `?`; of anything else asyncpg would make a setting of the server's.
_TAKEN = ("host", "port", "sslmode", "sslcert", "sslkey", "sslrootcert", "passfile")
_FAILURES = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


class Row(asyncpg.Record):  # type: ignore[misc]  # it ships no types
    """A row whose values are also attributes."""

    def __getattr__(self, name: str) -> Any:
        """The value of a column."""
        return self[name]


class AsyncPool:
    """A few connections of one event loop, opened when first asked for."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pool: asyncpg.Pool[Row] | None = None

    async def ask(self, question: Prepared, *values: Any) -> Sequence[Row]:
        """The rows for these values. Raises DatabaseUnavailable."""
        if self._pool is None:
            self._pool = await _opened(self._engine)
        pool = self._pool
        try:
            connection = await pool.acquire(timeout=CONNECT_SECONDS)
        except _FAILURES as error:
            raise unavailable(self._engine, _code(error), type(error).__name__) from error
        try:
            found: Sequence[Row] = await connection.fetch(question.sql, *values)
        except _FAILURES as error:
            if not is_away_code(_code(error)):
                raise
            raise unavailable(self._engine, _code(error), type(error).__name__) from error
        finally:
            await pool.release(connection)
        return found

    def close(self) -> None:
        """Close what is open; whoever asks afterwards opens it again."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.terminate()


async def _opened(engine: Engine) -> "asyncpg.Pool[Row]":
    """A pool that has connected to nothing yet, and speaks UTC."""
    url = engine.url
    return await asyncpg.create_pool(
        "postgresql:///?" + urlencode({name: url.query[name] for name in _TAKEN if name in url.query}),
        host=url.host,
        port=url.port,
        user=url.username,
        password=url.password,
        database=url.database,
        timeout=CONNECT_SECONDS,
        server_settings={"timezone": "UTC"},
        min_size=0,
        max_size=MOST_CONNECTIONS,
        record_class=Row,
        init=_read_json,
        reset=_leave_as_it_is,
    )


async def _read_json(connection: "asyncpg.Connection[Row]") -> None:
    """JSON is given as what it says, as psycopg2 does."""
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


async def _leave_as_it_is(_: "asyncpg.Connection[Row]") -> None:
    """Before a connection is used again: what is asked here changes no setting, so nothing need be set back."""


def _code(error: Exception) -> str | None:
    """The SQLSTATE; None where the connection failed."""
    code: str | None = getattr(error, "sqlstate", None)
    return code
