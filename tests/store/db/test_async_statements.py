"""Queries from an event loop: shared connections, recovery from broken ones, and errors while unavailable."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from sqlalchemy import Engine

from domain.errors import DatabaseUnavailable
from store.db.async_statements import MOST_CONNECTIONS, AsyncPool
from store.db.engine import make_engine
from store.db.statements import Prepared

NUMBER = Prepared("number", "SELECT $1::int AS value")
SLEEP = Prepared("sleep", "SELECT pg_sleep($1)")
BY_ITSELF = Prepared("by_itself", "SELECT pg_terminate_backend(pg_backend_pid())")
ALL_OTHERS = Prepared(
    "all_others",
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
    "WHERE pid <> pg_backend_pid() AND datname = current_database()",
)


def result_of(engine: Engine, questions: Callable[[AsyncPool], Awaitable[Any]]) -> Any:
    """Result of queries in a new event loop."""

    async def run() -> Any:
        pool = AsyncPool(engine)
        try:
            return await questions(pool)
        finally:
            pool.close()

    return asyncio.run(run())


def test_a_row_has_its_values_as_attributes_and_json_read(engine: Engine) -> None:
    question = Prepared("all", """SELECT '{"a": [1]}'::jsonb AS told, $1::timestamptz AS at, NULL::text AS nothing""")
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    (row,) = result_of(engine, lambda pool: pool.ask(question, at))
    assert (row.told, row.at, row.nothing) == ({"a": [1]}, at, None)
    assert row.at.utcoffset().total_seconds() == 0


def test_more_questions_than_connections_are_all_answered(engine: Engine) -> None:
    async def many(pool: AsyncPool) -> list[int]:
        return [rows[0].value for rows in await asyncio.gather(*(pool.ask(NUMBER, n) for n in range(200)))]

    assert result_of(engine, many) == list(range(200))


def test_a_connection_that_broke_costs_the_question_under_way_and_no_other(engine: Engine) -> None:
    async def broken(pool: AsyncPool) -> int:
        with pytest.raises(DatabaseUnavailable):
            await pool.ask(BY_ITSELF)
        await asyncio.gather(*(pool.ask(SLEEP, 0.05) for _ in range(3)))
        await pool.ask(ALL_OTHERS)
        await asyncio.sleep(0.1)
        answers = await asyncio.gather(*(pool.ask(NUMBER, n) for n in range(5)))
        return sum(rows[0].value for rows in answers)

    assert result_of(engine, broken) == 10


def test_a_question_that_is_given_up_gives_its_connection_back(engine: Engine) -> None:
    async def given_up(pool: AsyncPool) -> int:
        for _ in range(MOST_CONNECTIONS + 1):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(pool.ask(SLEEP, 60), 0.05)
        (row,) = await pool.ask(NUMBER, 7)
        return int(row.value)

    assert result_of(engine, given_up) == 7


def test_an_error_of_the_question_is_raised_as_it_is(engine: Engine) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        result_of(engine, lambda pool: pool.ask(Prepared("wrong", "SELECT 1 / $1::int"), 0))


def test_what_an_address_says_to_the_other_driver_alone_is_left_out(engine: Engine) -> None:
    url = engine.url.update_query_dict({"connect_timeout": "5", "keepalives": "1", "sslmode": "prefer"})
    other = make_engine(url.render_as_string(hide_password=False))
    (row,) = result_of(other, lambda pool: pool.ask(NUMBER, 1))
    assert row.value == 1


@pytest.mark.parametrize("place", ["127.0.0.1:1/none", "/none?host=/nowhere&port=1"])
def test_a_database_that_is_away_is_said_so(place: str) -> None:
    engine = make_engine(f"postgresql+psycopg2://nobody@{place}")
    with pytest.raises(DatabaseUnavailable, match=r"does not answer\. Start it or correct DATABASE_URL"):
        result_of(engine, lambda pool: pool.ask(NUMBER, 1))
