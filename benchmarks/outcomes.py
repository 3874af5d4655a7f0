"""Outcomes that arrive at a marketplace with a past, as events, and champions trained on another marketplace."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Engine

from domain.events.events import VERSION
from domain.vocabulary import SessionStatus, Task
from features.base.dataset import Dataset
from features.history.history import History
from flows.train import train_one
from simulator.marketplace import simulate
from simulator.settings import MarketSettings
from store.ledger.models import record_model

TUTORS, PAST, ARRIVING = 100, 6_000, 3_000
TYPES = {
    SessionStatus.COMPLETED: ("session.completed", {}),
    SessionStatus.NO_SHOW: ("session.no_show", {"absent": "tutor"}),
    SessionStatus.STUDENT_NO_SHOW: ("session.no_show", {"absent": "student"}),
    SessionStatus.CANCELLED: ("session.cancelled", {"initiated_by": "tutor"}),
}


@dataclass(frozen=True)
class Work:
    """The initial data, and the events that follow."""

    before: Dataset
    events: list[dict[str, Any]]


def work(now: datetime) -> Work:
    """A simulated marketplace up to a day, and the outcomes after it as events."""
    size = {"tutors": TUTORS, "days": 120, "sessions_per_day": (PAST + ARRIVING) // 110}
    dataset = simulate(MarketSettings.model_validate(size | {"seed": 5, "end": now})).dataset
    sessions = dataset.tables["sessions"].sort_by("starts_at")
    over = sessions.filter(pc.not_equal(sessions["status"], SessionStatus.BOOKED.value))
    past, arriving = over.slice(0, over.num_rows - ARRIVING)[-PAST:], over.slice(over.num_rows - ARRIVING)
    booked = sessions.filter(pc.equal(sessions["status"], SessionStatus.BOOKED.value))
    kept = {**dataset.tables, "sessions": pa.concat_tables([past, booked]).combine_chunks()}
    for kind in ("reschedules", "transcripts"):
        there = pc.is_in(kept[kind]["session_id"], kept["sessions"]["session_id"].combine_chunks())
        kept[kind] = kept[kind].filter(there)
    before = replace(dataset, tables=kept)
    return Work(before, [_event(row) for row in arriving.to_pylist()])


def _event(row: dict[str, Any]) -> dict[str, Any]:
    kind, more = TYPES[SessionStatus(row["status"])]
    data: dict[str, Any] = {"session_id": row["session_id"], "tutor_id": row["tutor_id"], **more}
    for name in ("booked_at", "starts_at", "ends_at"):
        data[name] = row[name].isoformat() if row[name] else None
    data["student_id"] = row["student_id"]
    if kind == "session.completed":
        data |= {name: row[name] for name in ("late_minutes", "duration_minutes", "rating")}
    at = row["outcome_known_at"].isoformat()
    return {"id": f"e-{row['session_id']}", "type": kind, "version": VERSION, "timestamp": at, "data": data}


def train(engines: Sequence[Engine], now: datetime) -> None:
    """Champions of both tasks, trained once on a larger marketplace."""
    market = simulate(MarketSettings(tutors=700, days=170, sessions_per_day=450, seed=3, end=now))
    history = History(market.dataset)
    for task in Task:
        model = train_one(task, history, seed=1, truth=None).model
        for engine in engines:
            sidecar = model.sidecar.model_dump(mode="json")
            record_model(engine, task, f"{task}/1", model.ubj, sidecar, actor="benchmark", reason="first", now=now)
