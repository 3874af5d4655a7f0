"""Migrations, and agreement of the tables in the code with the database."""

import time

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from domain.errors import DatabaseUnavailable
from store.db.engine import downgrade, make_engine, ping, upgrade
from store.ledger.tuned_parameters import tuned_params
from store.operations.schedules import flow_runs
from store.operations.workers import workers
from store.schema.access import api_keys
from store.schema.changes import score_changes
from store.schema.contacts import metadata  # includes the tables of contacts
from store.schema.erasure import erased_ids
from store.schema.inbox import inbox
from store.schema.outgoing import outgoing_messages
from store.schema.retention import retention_marks

_DEFINITIONS = text("""
    SELECT 'column', c.relname || '.' || a.attname,
        concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
            pg_get_expr(d.adbin, d.adrelid))
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d
        ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT 'constraint', conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
""")


def _definitions(engine: Engine) -> set[tuple[str, ...]]:
    with engine.connect() as connection:
        return {tuple(row) for row in connection.execute(_DEFINITIONS) if "alembic_version" not in str(row)}


def test_migrations_run_up_down_and_up_again(empty_engine: Engine) -> None:
    upgrade(empty_engine)
    made = _definitions(empty_engine)
    downgrade(empty_engine)
    assert inspect(empty_engine).get_table_names() == ["alembic_version"]
    assert inspect(empty_engine).get_view_names() == []
    upgrade(empty_engine)
    upgrade(empty_engine)
    assert _definitions(empty_engine) == made


def test_tables_equal_the_migrated_schema(engine: Engine) -> None:
    assert {
        erased_ids.key,
        retention_marks.key,
        flow_runs.key,
        workers.key,
        tuned_params.key,
        inbox.key,
        api_keys.key,
        score_changes.key,
        outgoing_messages.key,
    } <= metadata.tables.keys()
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata) == []


def test_checks_defaults_and_indexes_equal_the_migrated_schema_too(engine: Engine, empty_engine: Engine) -> None:
    metadata.create_all(empty_engine)
    assert _definitions(engine) == _definitions(empty_engine)


def test_a_database_that_does_not_answer_is_named_as_it_was_written_without_user_and_password() -> None:
    with pytest.raises(DatabaseUnavailable, match=r"database postgresql://127\.0\.0\.1:1/tqs does not") as error:
        ping(make_engine("postgresql+psycopg2://ann:secret@127.0.0.1:1/tqs"))
    assert "ann" not in str(error.value)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("idle", [1.1, 0.0])
def test_an_engine_tries_what_lay_idle_and_loses_one_question_of_what_did_not(engine: Engine, idle: float) -> None:
    address = engine.url.render_as_string(hide_password=False)
    ping(engine)
    time.sleep(idle)
    with make_engine(address).begin() as killer:
        others = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
        killer.execute(text(f"SELECT pg_terminate_backend(pid, 5000) {others}"))
    if not idle:
        with pytest.raises(DatabaseUnavailable):
            ping(engine)
    ping(engine)
