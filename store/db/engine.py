"""Database engine, transactions, migrations, and translation of connection failures."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, create_engine, event, text
from sqlalchemy import Engine as Engine  # type used by other packages
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

from domain.errors import DatabaseUnavailable

CONNECT_SECONDS = 3
"""Timeout of opening a connection."""

_POOL = 20
_IDLE_SECONDS = 1.0
_USED_AT = "used_at"
_MIGRATION_LOCK = 7_205_001
# Server shut down, connection lost, or out of disk, memory or connections. A failure to connect has no code.
_UNAVAILABLE = ("57P", "08", "53")


def make_engine(url: str) -> Engine:
    """Create an engine: it replaces dead connections, stops connecting after three seconds and uses UTC."""
    engine = create_engine(
        url,
        hide_parameters=True,  # errors are logged, and parameters contain personal data
        pool_size=_POOL,  # a connection beyond it is closed after use, and opening one costs more than most queries
        connect_args={"connect_timeout": CONNECT_SECONDS, "options": "-c timezone=UTC"},
    )
    _ping_idle_connections(engine)
    return engine


def _ping_idle_connections(engine: Engine) -> None:
    """Ping a connection that was idle for a second or more before use, and replace the pool if it is dead.

    SQLAlchemy's `pool_pre_ping` pings before each use, which doubles the round trips of short queries.
    """

    @event.listens_for(engine, "checkin")
    def checkin(_: Any, record: ConnectionPoolEntry) -> None:
        record.info[_USED_AT] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def checkout(connection: Any, record: ConnectionPoolEntry, _: Any) -> None:
        idle = time.monotonic() - record.info.get(_USED_AT, time.monotonic())
        if idle < _IDLE_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except psycopg2.Error as error:
            raise InvalidatePoolError from error


def is_away(error: BaseException) -> bool:
    """Return whether an error of SQLAlchemy or psycopg2 means that the database is unavailable."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, psycopg2.OperationalError | psycopg2.InterfaceError):
        return False
    return is_away_code(cause.pgcode)


def is_away_code(code: str | None) -> bool:
    """Return whether an SQLSTATE, None for a failed connection, means that the database is unavailable."""
    return code is None or code.startswith(_UNAVAILABLE)


def is_in_trouble(error: BaseException | None) -> bool:
    """Return whether the database failed independently of the data: unavailable, full, out of memory, or deadlock.

    A retry may succeed. An error of the data, or of its limits (class 54), would be repeated.
    """
    while error is not None:
        if isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
            return not (error.pgcode or "").startswith("54")
        error = error.__cause__
    return False


@contextmanager
def answering(engine: Engine) -> Iterator[None]:
    """Raise DatabaseUnavailable for connection failures, with the address but never the password."""
    try:
        yield
    except (DBAPIError, psycopg2.Error) as error:
        if not is_away(error):
            raise
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise unavailable(engine, getattr(cause, "pgcode", None), type(cause).__name__) from error


def unavailable(engine: Engine, code: str | None, name: str) -> DatabaseUnavailable:
    """Error for an unavailable database, from the SQLSTATE and name of the cause."""
    url = engine.url  # without user, password and driver
    address = URL.create("postgresql", host=url.host, port=url.port, database=url.database).render_as_string()
    if (code or "").startswith("53"):
        return DatabaseUnavailable(f"The database {address} has no room or no connection left ({name}). Give it more.")
    return DatabaseUnavailable(f"The database {address} does not answer. Start it or correct DATABASE_URL.")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction, committed at the end of the block. Raises DatabaseUnavailable."""
    with answering(engine), engine.begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One snapshot for all reads in the block. Raises DatabaseUnavailable."""
    with answering(engine), engine.connect() as connection:
        snapshot = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with snapshot.begin():
            yield snapshot


def ping(engine: Engine) -> None:
    """Return if the database responds. Raises DatabaseUnavailable."""
    with answering(engine), engine.connect() as connection:
        connection.execute(text("SELECT 1"))


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Upgrade the schema to a revision. Raises DatabaseUnavailable."""
    _migrate(engine, command.upgrade, revision)


def is_current(engine: Engine) -> bool:
    """Return whether the schema has the revision of this code. Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        script = ScriptDirectory.from_config(migration_config(connection))
        return MigrationContext.configure(connection).get_current_revision() == script.get_current_head()


def downgrade(engine: Engine, revision: str = "base") -> None:
    """Downgrade the schema to a revision; data of later tables is lost. Raises DatabaseUnavailable."""
    _migrate(engine, command.downgrade, revision)


def _migrate(engine: Engine, direction: Callable[[Config, str], None], revision: str) -> None:
    with writing(engine) as connection:
        # Two processes that start together must not both migrate.
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        direction(migration_config(connection), revision)


def migration_config(connection: Connection) -> Config:
    """Alembic configuration whose migrations run in the transaction of an open connection."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations"))
    return config
