"""Heartbeats of workers: one row for each process that works on the inbox."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Column, DateTime, Engine, Integer, Table, Text, Uuid, delete, select
from sqlalchemy.dialects.postgresql import insert

from store.db.engine import reading, writing
from store.schema.tables import metadata

EXPIRES = timedelta(days=1)
"""Age after which the row of a worker that was killed is deleted."""

_TIME = DateTime(timezone=True)

workers = Table(
    "workers",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", _TIME, nullable=False),
    Column("seen_at", _TIME, nullable=False),
)


@dataclass(frozen=True)
class WorkerSeen:
    """A worker process and when it last went through its loop."""

    id: UUID
    host: str
    pid: int
    started_at: datetime
    seen_at: datetime


def record_heartbeat(engine: Engine, worker: WorkerSeen) -> None:
    """Store that a worker is alive, and delete rows not seen for a day. Raises DatabaseUnavailable."""
    row = insert(workers).values(
        id=worker.id, host=worker.host, pid=worker.pid, started_at=worker.started_at, seen_at=worker.seen_at
    )
    with writing(engine) as connection:
        connection.execute(delete(workers).where(workers.c.seen_at < worker.seen_at - EXPIRES))
        connection.execute(row.on_conflict_do_update(index_elements=["id"], set_={"seen_at": row.excluded.seen_at}))


def remove_worker(engine: Engine, worker: UUID) -> None:
    """Delete the row of a worker that ends. Raises DatabaseUnavailable."""
    with writing(engine) as connection:
        connection.execute(delete(workers).where(workers.c.id == worker))


def seen_workers(engine: Engine) -> list[WorkerSeen]:
    """All workers with a row, the last seen first. Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        rows = connection.execute(select(workers).order_by(workers.c.seen_at.desc()))
        return [WorkerSeen(**row._mapping) for row in rows]
