"""Creation of databases on a PostgreSQL server, and their URLs."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2
from psycopg2 import sql

from domain.errors import DatabaseUnavailable


def create_database(url: str, name: str, owner: str | None = None) -> str:
    """Create a database on the server of a URL unless it exists; returns its URL. Raises DatabaseUnavailable."""
    try:
        with server_cursor(url, name) as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
            if cursor.fetchone() is None:
                made = sql.SQL("CREATE DATABASE {} OWNER {}" if owner else "CREATE DATABASE {}")
                cursor.execute(made.format(sql.Identifier(name), *([sql.Identifier(owner)] if owner else [])))
    except psycopg2.errors.DuplicateDatabase:
        pass  # another process was first
    return _url_of(url, name)


def empty_database(url: str, name: str) -> str:
    """Drop and recreate a database; returns its URL. Raises DatabaseUnavailable."""
    with server_cursor(_url_of(url, "postgres"), name) as cursor:
        cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return _url_of(url, name)


@contextmanager
def server_cursor(url: str, name: str) -> Iterator[psycopg2.extensions.cursor]:
    """Autocommit cursor for creating database `name`. Raises DatabaseUnavailable naming that database."""
    plain = url.replace("postgresql+psycopg2://", "postgresql://", 1)
    try:
        with closing(psycopg2.connect(plain, connect_timeout=5)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor
    except psycopg2.OperationalError as error:
        raise DatabaseUnavailable(f"The database {name} could not be created: {str(error).strip()}") from error


def _url_of(url: str, name: str) -> str:
    server, _, query = url.partition("?")
    return server.rsplit("/", 1)[0] + "/" + name + (f"?{query}" if query else "")
