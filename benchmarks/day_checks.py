"""Checks after a replayed day: nothing lost, nothing duplicated, everything scored, all data equal to the source."""

import time
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import httpx
import pyarrow.compute as pc
from sqlalchemy import text

from benchmarks.day_stage import DAY, KEY, Stage
from domain.vocabulary import SessionStatus
from store.db.engine import Engine

PATIENCE = 900.0
"""Maximum seconds until the backlog is empty."""

RECONCILED_AT_ONCE = 5_000

_WAITING = "SELECT count(*) FROM inbox WHERE processed_at IS NULL AND parked_at IS NULL"
_PARKED = "SELECT count(*) FROM inbox WHERE parked_at IS NOT NULL"
_TWICE = """
    SELECT count(*) FROM (
        SELECT 1 FROM scores WHERE as_of >= :since
        GROUP BY subject_kind, subject_id, kind, as_of HAVING count(*) > 1
    ) AS twice
"""
_UNSCORED_TUTORS = """
    SELECT count(DISTINCT i.body->'data'->>'tutor_id') FROM inbox AS i
    WHERE i.type = 'session.completed' AND NOT EXISTS (
        SELECT 1 FROM scores AS s
        WHERE s.subject_kind = 'tutor' AND s.subject_id = i.body->'data'->>'tutor_id' AND s.as_of >= i.received_at
    )
"""
_UNSCORED_SESSIONS = """
    SELECT count(*) FROM sessions AS u
    WHERE u.status = 'booked' AND u.starts_at > now() AND u.starts_at < now() + interval '24 hours'
    AND EXISTS (SELECT 1 FROM inbox AS i WHERE i.body->'data'->>'tutor_id' = u.tutor_id AND i.type LIKE 'session.%')
    AND NOT EXISTS (SELECT 1 FROM scores AS s WHERE s.subject_kind = 'session' AND s.subject_id = u.session_id)
"""


def count(engine: Engine, query: str, **values: Any) -> int:
    """Single number returned by a query."""
    with engine.connect() as connection:
        return int(connection.execute(text(query), values).scalar_one())


def backlog(stage: Stage) -> int:
    """Number of waiting events."""
    return count(stage.engine, _WAITING)


def wait_until_done(stage: Stage) -> float:
    """Seconds until no event waits. Raises RuntimeError if that takes too long."""
    began = time.monotonic()
    while (left := backlog(stage)) and time.monotonic() - began < PATIENCE:
        stage.worker.check()
        time.sleep(0.2)
    if left:
        raise RuntimeError(f"{left} events still wait after {PATIENCE:.0f} s")
    return time.monotonic() - began


def faults_of(stage: Stage, since: datetime) -> dict[str, int]:
    """Counts that must be 0: lost, wrong, parked, scored twice, not scored."""
    with stage.engine.connect() as connection:
        keys = set(connection.execute(text("SELECT key FROM inbox WHERE key LIKE 'event:%'")).scalars())
        stored = {row.session_id: row for row in connection.execute(text("SELECT * FROM sessions"))}
    return {
        "events not in the inbox": sum(f"event:{event['id']}" not in keys for event in stage.rails.events),
        "sessions unlike Rails'": sum(_differs(row, stored.get(row["session_id"])) for row in _touched(stage)),
        "parked": count(stage.engine, _PARKED),
        "scored twice": count(stage.engine, _TWICE, since=since),
        "tutors not scored": count(stage.engine, _UNSCORED_TUTORS),
        "sessions not scored": count(stage.engine, _UNSCORED_SESSIONS),
    }


def _touched(stage: Stage) -> Iterable[dict[str, Any]]:
    sessions = stage.market.tables["sessions"]
    rows: list[dict[str, Any]] = sessions.filter(pc.greater_equal(sessions["starts_at"], stage.began - DAY)).to_pylist()
    return rows


def _differs(told: dict[str, Any], stored: Any) -> bool:
    names = ("tutor_id", "student_id", "starts_at", "status", "rating", "initiated_by", "late_minutes")
    return stored is None or any(told[name] != getattr(stored, name) for name in names)


def missing(stage: Stage) -> int:
    """Sessions of the day that the service's gap detector reports as missing or unexpected."""
    rows = [row for row in _touched(stage) if row["starts_at"] >= stage.began]
    rows.sort(key=lambda row: row["starts_at"])
    found = 0
    for begin in range(0, len(rows), RECONCILED_AT_ONCE):
        part = rows[begin : begin + RECONCILED_AT_ONCE]
        end = rows[begin + RECONCILED_AT_ONCE]["starts_at"] if begin + RECONCILED_AT_ONCE < len(rows) else None
        found += _missing(stage, part, end or part[-1]["starts_at"] + DAY)
    return found


def _missing(stage: Stage, rows: list[dict[str, Any]], until: datetime) -> int:
    asked = {
        "from": rows[0]["starts_at"].isoformat(),
        "to": until.isoformat(),
        "session_ids": [row["session_id"] for row in rows],
    }
    answer = httpx.post(
        f"{stage.url}/api/sessions/reconcile", json=asked, headers={"Authorization": f"Bearer {KEY}"}, timeout=60
    )
    answer.raise_for_status()
    return len(answer.json()["missing"])


def outcomes(stage: Stage) -> int:
    """Sessions of the market that ended, one way or another, within the day."""
    sessions = stage.market.tables["sessions"]
    known = sessions.filter(pc.greater_equal(sessions["outcome_known_at"], stage.began))
    return int(known.filter(pc.not_equal(known["status"], SessionStatus.BOOKED.value)).num_rows)
