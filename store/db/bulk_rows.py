"""Writes of many rows in one statement, sent as one JSON array and read in SQL as a table."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, TextClause, text

Rows = Iterable[Mapping[str, Any]]


def each(columns: str) -> str:
    """The rows of the parameter `:rows` as a table aliased `r`, with these columns (`name type, …`)."""
    return f"jsonb_to_recordset(CAST(:rows AS jsonb)) AS r ({columns})"


def write(connection: Connection, statement: TextClause, rows: Rows) -> int:
    """Run a statement over rows sorted by their first column, so that two writers lock in the same order.

    Without rows no query is sent. Returns the number of written rows.
    """
    ordered = sorted(rows, key=lambda row: str(next(iter(row.values()))))
    if not ordered:
        return 0
    return connection.execute(statement, {"rows": json.dumps(ordered, default=_plain)}).rowcount


def add_ids(connection: Connection, kind: str, ids: Iterable[str]) -> None:
    """Insert tutors or students of whom only the id is known; existing rows are not changed."""
    column = f"{kind.removesuffix('s')}_id"
    statement = text(f"INSERT INTO {kind} ({column}) SELECT r.id FROM {each('id text')} ON CONFLICT DO NOTHING")
    write(connection, statement, ({"id": name} for name in set(ids)))


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON")
