"""Single-statement queries and writes from an event loop, without the cost of a thread.

A connection belongs to the loop that opened it and prepares each statement once. As in `store.db.statements`, a
statement is a transaction of its own.
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
"""Largest number of open connections."""

# Accepted query parameters of the URL; asyncpg would send any other to the server as a setting.
_PARAMETERS = ("host", "port", "sslmode", "sslcert", "sslkey", "sslrootcert", "passfile")
_FAILURES = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


class Row(asyncpg.Record):  # type: ignore[misc]  # no type annotations
    """A row with values as attributes."""

    def __getattr__(self, name: str) -> Any:
        """Value of a column."""
        return self[name]


class AsyncPool:
    """Connection pool of one event loop, opened at the first query."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pool: asyncpg.Pool[Row] | None = None

    async def ask(self, query: Prepared, *values: Any) -> Sequence[Row]:
        """The rows for these values. Raises DatabaseUnavailable."""
        if self._pool is None:
            self._pool = await _opened(self._engine)
        pool = self._pool
        try:
            connection = await pool.acquire(timeout=CONNECT_SECONDS)
        except _FAILURES as error:
            raise unavailable(self._engine, _code(error), type(error).__name__) from error
        try:
            rows: Sequence[Row] = await connection.fetch(query.sql, *values)
        except _FAILURES as error:
            if not is_away_code(_code(error)):
                raise
            raise unavailable(self._engine, _code(error), type(error).__name__) from error
        finally:
            await pool.release(connection)
        return rows

    def close(self) -> None:
        """Close all connections; the next query opens the pool again."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.terminate()


async def _opened(engine: Engine) -> "asyncpg.Pool[Row]":
    """A pool without open connections, in UTC."""
    url = engine.url
    return await asyncpg.create_pool(
        "postgresql:///?" + urlencode({name: url.query[name] for name in _PARAMETERS if name in url.query}),
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
        reset=_reset_nothing,
    )


async def _read_json(connection: "asyncpg.Connection[Row]") -> None:
    """Decode JSON to Python values, as psycopg2 does."""
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


async def _reset_nothing(_: "asyncpg.Connection[Row]") -> None:
    """Reset nothing before reuse: no statement changes a setting."""


def _code(error: Exception) -> str | None:
    """SQLSTATE of an error; None if the connection failed."""
    code: str | None = getattr(error, "sqlstate", None)
    return code
