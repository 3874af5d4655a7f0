"""Agreement of the files in `store/schema/views` with the database's views."""

import re
from pathlib import Path

from sqlalchemy import Connection, Engine, text

import store.schema

VIEWS = sorted((Path(store.schema.__file__).parent / "views").glob("*.sql"))

_COLUMNS = re.compile(r"(latest_score\([^()]*\) \w+)\([^()]*\)")
"""PostgreSQL adds the columns that the function's row type had when the view was created: not part of the text."""


def _definitions(connection: Connection) -> dict[str, str]:
    statement = text("SELECT viewname, pg_get_viewdef(viewname::regclass) FROM pg_views WHERE schemaname = 'public'")
    return {row.viewname: _COLUMNS.sub(r"\1", row.pg_get_viewdef) for row in connection.execute(statement)}


def test_each_view_of_a_migrated_database_equals_the_view_created_from_its_file(engine: Engine) -> None:
    with engine.begin() as connection:
        migrated = _definitions(connection)
        assert [file.stem for file in VIEWS] == sorted(migrated)
        for file in VIEWS:
            connection.exec_driver_sql(file.read_text(encoding="utf-8"))
        assert _definitions(connection) == migrated
