"""Who read whose data and who did what: rows that nothing changes or removes."""

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
    """One act: who, as what, did what, to or about whom. `detail` holds no personal data."""

    at: datetime
    actor: str
    role: Role
    action: str
    subject_id: str | None = None
    request_id: str | None = None
    detail: dict[str, Any] | None = None


@dataclass(frozen=True)
class KeptRow:
    """A row as it is kept, with its number: later rows have higher ones."""

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
    """Write rows in the caller's transaction, so that an act and its row are there both or neither."""
    if rows:
        connection.execute(insert(audit), [{**vars(row), "role": row.role.value} for row in rows])


def write_rows(engine: Engine, rows: Sequence[AuditRow], wait_for_disk: bool = True) -> None:
    """Write rows, all or none, with one statement: every read of a tutor's data waits for it.

    When this returns they are in the database, whatever becomes of this process. A disk takes longer to be sure than
    a read takes, so reads do not wait for it: a crash of the database server may lose rows of its last 0.6 seconds.
    Raises DatabaseUnavailable.
    """
    if rows:
        _WRITE.ask(engine, *_as_values(rows, wait_for_disk))


async def write_rows_async(pool: AsyncPool, rows: Sequence[AuditRow], wait_for_disk: bool = True) -> None:
    """The same from an event loop."""
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
) -> list[KeptRow]:
    """The latest rows, newest first; of one subject, of one actor, older than the row `before`, where given.

    Raises DatabaseUnavailable.
    """
    wanted = select(audit).order_by(audit.c.id.desc()).limit(limit)
    for column, value in ((audit.c.subject_id, subject_id), (audit.c.actor, actor)):
        wanted = wanted if value is None else wanted.where(column == value)
    if before is not None:
        wanted = wanted.where(audit.c.id < before)
    with reading(engine) as connection:
        return [_kept(dict(row._mapping)) for row in connection.execute(wanted)]


def _kept(values: dict[str, Any]) -> KeptRow:
    number = values.pop("id")
    return KeptRow(number, AuditRow(**{**values, "role": Role(values["role"])}))
