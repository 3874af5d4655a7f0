"""One statement, one round trip: for requests that ask or write a single thing.

A statement is a transaction of its own, so it needs neither BEGIN nor COMMIT, which cost a round trip each.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Row, TextClause

from store.database import answering


def ask(engine: Engine, question: TextClause, values: Mapping[str, Any]) -> Sequence[Row[Any]]:
    """The rows of one statement. Raises DatabaseUnavailable."""
    with _alone(engine) as connection:
        return connection.execute(question, dict(values)).all()


def tell(engine: Engine, statement: TextClause, values: Mapping[str, Any]) -> None:
    """Run one statement that writes: all of it, or nothing. Raises DatabaseUnavailable."""
    with _alone(engine) as connection:
        connection.execute(statement, dict(values))


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    with answering(engine), engine.connect() as connection:
        yield connection.execution_options(isolation_level="AUTOCOMMIT")
