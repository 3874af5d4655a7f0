"""Single-statement queries in one round trip.

A statement is a transaction of its own, so it needs neither BEGIN nor COMMIT, which cost a round trip each.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, TextClause

from store.db.engine import answering


@dataclass(frozen=True)
class Prepared:
    """A query prepared once per connection, for queries whose planning takes longer than their execution.

    `sql` names its values `$1`, `$2` …, as PostgreSQL's PREPARE does.
    """

    name: str
    sql: str

    def ask(self, engine: Engine, *values: Any) -> Sequence[Row[Any]]:
        """The rows for these values. Raises DatabaseUnavailable."""
        with _alone(engine) as connection:
            return self.ask_on(connection, *values)

    def ask_on(self, connection: Connection, *values: Any) -> Sequence[Row[Any]]:
        """The rows for these values, read in the connection's transaction."""
        if self.name not in connection.info:
            connection.exec_driver_sql(f"PREPARE {self.name} AS {self.sql}")
            connection.info[self.name] = True
        places = ", ".join(["%s"] * len(values))
        return connection.exec_driver_sql(f"EXECUTE {self.name} ({places})", values).all()


def ask(engine: Engine, query: TextClause, values: Mapping[str, Any]) -> Sequence[Row[Any]]:
    """The rows of one statement. Raises DatabaseUnavailable."""
    with _alone(engine) as connection:
        return connection.execute(query, dict(values)).all()


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    with answering(engine), engine.connect() as connection:
        yield connection.execution_options(isolation_level="AUTOCOMMIT")
