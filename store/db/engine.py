"""Engines, migrations, and what to say when the database does not answer."""

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
from sqlalchemy import Engine as Engine  # what other rooms are handed
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

from domain.errors import DatabaseUnavailable

CONNECT_SECONDS = 3
"""How long opening a connection may take."""

_POOL = 20
_IDLE_SECONDS = 1.0
_USED_AT = "used_at"
_MIGRATION_LOCK = 7_205_001
# Server shut down, connection lost, or nothing left of disk, memory or connections. A failure to connect has no code.
_AWAY = ("57P", "08", "53")


def make_engine(url: str) -> Engine:
    """An engine that notices a server that went away, gives up connecting after three seconds and speaks UTC."""
    engine = create_engine(
        url,
        hide_parameters=True,  # an error is logged, and what was asked or written is about people
        pool_size=_POOL,  # what overflows is closed after use, and opening costs more than most questions
        connect_args={"connect_timeout": CONNECT_SECONDS, "options": "-c timezone=UTC"},
    )
    _try_what_lay_idle(engine)
    return engine


def _try_what_lay_idle(engine: Engine) -> None:
    """Before a connection is used after a second or more, try it, and open others if it is dead.

    SQLAlchemy's `pool_pre_ping` tries each before each use, which doubles the round trips of short questions.
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
    """Whether an error of SQLAlchemy or psycopg2 means that the database does not answer."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, psycopg2.OperationalError | psycopg2.InterfaceError):
        return False
    return is_away_code(cause.pgcode)


def is_away_code(code: str | None) -> bool:
    """Whether an error's SQLSTATE, None for a connection that failed, means that the database does not answer."""
    return code is None or code.startswith(_AWAY)


def is_in_trouble(error: BaseException | None) -> bool:
    """Whether the database failed for a reason of its own: away, full, out of memory, or two waiting for one another.

    Trying again later may help; an error of the data (or one of its limits, class 54) comes again each time.
    """
    while error is not None:
        if isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
            return not (error.pgcode or "").startswith("54")
        error = error.__cause__
    return False


@contextmanager
def answering(engine: Engine) -> Iterator[None]:
    """Turn a database that does not answer into DatabaseUnavailable, with its address but never its password."""
    try:
        yield
    except (DBAPIError, psycopg2.Error) as error:
        if not is_away(error):
            raise
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise unavailable(engine, getattr(cause, "pgcode", None), type(cause).__name__) from error


def unavailable(engine: Engine, code: str | None, name: str) -> DatabaseUnavailable:
    """What is said where an error of this SQLSTATE and name means that the database does not answer."""
    url = engine.url  # without user and password, and without the driver, which nobody wrote
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
    """One snapshot: everything read in the block is of the same moment. Raises DatabaseUnavailable."""
    with answering(engine), engine.connect() as connection:
        snapshot = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with snapshot.begin():
            yield snapshot


def ping(engine: Engine) -> None:
    """Return if the database answers. Raises DatabaseUnavailable."""
    with answering(engine), engine.connect() as connection:
        connection.execute(text("SELECT 1"))


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the schema up to a revision. Raises DatabaseUnavailable."""
    _migrate(engine, command.upgrade, revision)


def is_current(engine: Engine) -> bool:
    """Whether the schema is the one of this code. Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        script = ScriptDirectory.from_config(migration_config(connection))
        return MigrationContext.configure(connection).get_current_revision() == script.get_current_head()


def downgrade(engine: Engine, revision: str = "base") -> None:
    """Take the schema down to a revision, with the data that only later ones hold. Raises DatabaseUnavailable."""
    _migrate(engine, command.downgrade, revision)


def _migrate(engine: Engine, direction: Callable[[Config, str], None], revision: str) -> None:
    with writing(engine) as connection:
        # Two processes starting at once must not both migrate.
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        direction(migration_config(connection), revision)


def migration_config(connection: Connection) -> Config:
    """Alembic's configuration for one open connection, in whose transaction the migrations run."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations"))
    return config
