"""Schedules and runs of flows."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Engine,
    Identity,
    Index,
    Table,
    Text,
    delete,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_or

from domain.schedules import FlowRun, RunOutcome, RunSummary, Schedule
from store.db.engine import reading, writing
from store.db.statements import ask
from store.schema.tables import metadata

_TIME = DateTime(timezone=True)

schedules = Table(
    "schedules",
    metadata,
    Column("flow", Text, primary_key=True),
    Column("cron", Text, nullable=False),
    Column("since", _TIME, nullable=False),
)

flow_runs = Table(
    "flow_runs",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("flow", Text, nullable=False),
    Column("scheduled", Boolean, nullable=False),
    Column("started_at", _TIME, nullable=False),
    Column("ended_at", _TIME),
    Column("outcome", Text),
    Column("error", Text),
    CheckConstraint("outcome IN ('completed', 'failed', 'stopped')", name="outcome"),
    CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)", name="ended"),
    Index("ix_flow_runs_latest", "flow", "started_at"),
)

_COLUMNS = "flow, scheduled, started_at, ended_at, outcome, error"
_LATEST = text(f"SELECT DISTINCT ON (flow) {_COLUMNS} FROM flow_runs ORDER BY flow, started_at DESC, id DESC")
_TIMES = text("""
    SELECT flow, max(ended_at) FILTER (WHERE outcome = 'completed') AS good,
        max(started_at) FILTER (WHERE scheduled) AS scheduled
    FROM flow_runs GROUP BY flow
""")


def register_schedules(engine: Engine, crons: Mapping[str, str], now: datetime) -> None:
    """Store which flows are scheduled from now on. An unchanged schedule keeps its `since`.

    Raises DatabaseUnavailable.
    """
    with writing(engine) as connection:
        connection.execute(delete(schedules).where(schedules.c.flow.not_in(list(crons))))
        for flow, cron in crons.items():
            row = insert_or(schedules).values(flow=flow, cron=cron, since=now)
            changed = row.on_conflict_do_update(
                index_elements=["flow"],
                set_={"cron": row.excluded.cron, "since": row.excluded.since},
                where=schedules.c.cron != row.excluded.cron,
            )
            connection.execute(changed)


def registered_schedules(engine: Engine) -> list[Schedule]:
    """The schedules that `python -m flows.schedules` served last, by name. Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        rows = connection.execute(select(schedules).order_by(schedules.c.flow))
        return [Schedule(**row._mapping) for row in rows]


def start_run(engine: Engine, flow: str, scheduled: bool, now: datetime) -> int:
    """Record that a run of a flow started. Returns the number of its row. Raises DatabaseUnavailable."""
    row = insert(flow_runs).values(flow=flow, scheduled=scheduled, started_at=now).returning(flow_runs.c.id)
    with writing(engine) as connection:
        return int(connection.execute(row).scalar_one())


def end_run(engine: Engine, run: int, outcome: RunOutcome, error: str | None, now: datetime) -> None:
    """Record how a run ended. Raises DatabaseUnavailable."""
    ended = update(flow_runs).where(flow_runs.c.id == run).values(ended_at=now, outcome=outcome, error=error)
    with writing(engine) as connection:
        connection.execute(ended)


def run_summaries(engine: Engine) -> dict[str, RunSummary]:
    """A summary of the runs of each flow that ever ran. Raises DatabaseUnavailable."""
    times = {row.flow: row for row in ask(engine, _TIMES, {})}
    latest = [FlowRun(**row._mapping) for row in ask(engine, _LATEST, {}) if row.flow in times]
    return {run.flow: RunSummary(_typed(run), times[run.flow].good, times[run.flow].scheduled) for run in latest}


def _typed(run: FlowRun) -> FlowRun:
    outcome = run.outcome and RunOutcome(run.outcome)
    return FlowRun(run.flow, run.scheduled, run.started_at, run.ended_at, outcome, run.error)
