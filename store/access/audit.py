"""Audit log: append-only rows about reads of personal data and about administrative actions."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from domain.policy import Role
from store.db.async_statements import AsyncPool
from store.db.engine import Engine, reading
from store.db.statements import Prepared
from store.schema.access import audit


@dataclass(frozen=True)
class AuditRow:
    """An audited action: actor, role, action, subject. `detail` contains no personal data."""

    at: datetime
    actor: str
    role: Role
    action: str
    subject_id: str | None = None
    request_id: str | None = None
    detail: dict[str, Any] | None = None


@dataclass(frozen=True)
class StoredRow:
    """A stored row with its number, which increases."""

    id: int
    row: AuditRow


_WRITE = Prepared(
    "audit_rows",
    """
    WITH disk AS (SELECT set_config('synchronous_commit', $2, true))
    INSERT INTO audit (at, actor, role, action, subject_id, request_id, detail)
    SELECT r.* FROM disk, jsonb_to_recordset($1::text::jsonb) AS r (
        at timestamptz, actor text, role text, action text, subject_id text, request_id text, detail jsonb
    )
    RETURNING id
    """,
)


def add_rows(connection: Connection, rows: Sequence[AuditRow]) -> None:
    """Add rows in the caller's transaction, so that an action and its row are committed together."""
    if rows:
        connection.execute(insert(audit), [{**vars(row), "role": row.role.value} for row in rows])


def write_rows(engine: Engine, rows: Sequence[AuditRow], wait_for_disk: bool = True) -> None:
    """Write rows, all or none, in one statement; every read of a tutor's data waits for it.

    On return the rows are in the database and survive a crash of this process. Flushing to disk takes longer than a
    read, so reads pass `wait_for_disk=False`: a crash of the database server may lose rows of the last 0.6 seconds.
    Raises DatabaseUnavailable.
    """
    if rows:
        _WRITE.ask(engine, *_as_values(rows, wait_for_disk))


async def write_rows_async(pool: AsyncPool, rows: Sequence[AuditRow], wait_for_disk: bool = True) -> None:
    """Write rows from an event loop, as `write_rows` does. Raises DatabaseUnavailable."""
    if rows:
        await pool.ask(_WRITE, *_as_values(rows, wait_for_disk))


def _as_values(rows: Sequence[AuditRow], wait_for_disk: bool) -> tuple[str, str]:
    plain = [{**vars(row), "at": row.at.isoformat(), "role": row.role.value} for row in rows]
    return json.dumps(plain), "on" if wait_for_disk else "off"


def read_rows(
    engine: Engine,
    subject_id: str | None = None,
    actor: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[StoredRow]:
    """Latest rows, newest first, optionally of one subject, of one actor, or older than the row `before`.

    Raises DatabaseUnavailable.
    """
    query = select(audit).order_by(audit.c.id.desc()).limit(limit)
    for column, value in ((audit.c.subject_id, subject_id), (audit.c.actor, actor)):
        query = query if value is None else query.where(column == value)
    if before is not None:
        query = query.where(audit.c.id < before)
    with reading(engine) as connection:
        return [_stored(dict(row._mapping)) for row in connection.execute(query)]


def _stored(values: dict[str, Any]) -> StoredRow:
    number = values.pop("id")
    return StoredRow(number, AuditRow(**{**values, "role": Role(values["role"])}))
