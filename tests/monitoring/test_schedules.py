from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.schedules import FlowRun, RunOutcome, RunSummary, Schedule
from gateways.crons import last_due, next_due
from monitoring.findings import Level
from monitoring.schedules import judge_schedule, schedule_states

NOW = datetime(2026, 11, 30, 12, 20, tzinfo=UTC)


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("since", "started", "outcome", "level", "words"),
    [
        (2 * HOUR, timedelta(minutes=15), RunOutcome.COMPLETED, Level.OK, "next 2026-11-30 13:05 UTC"),
        (2 * HOUR, 1.25 * HOUR, RunOutcome.COMPLETED, Level.FAULT, "late: no run has started since 2026-11-30 12:05"),
        (2 * HOUR, None, None, Level.FAULT, "no run has started since 2026-11-30 12:05 UTC; no successful run yet"),
        (timedelta(minutes=5), None, None, Level.OK, "no successful run yet"),
        (2 * HOUR, timedelta(minutes=15), RunOutcome.FAILED, Level.FAULT, "failed: no room"),
        (2 * HOUR, timedelta(minutes=15), None, Level.OK, "no successful run yet"),
    ],
)  # fmt: skip
def test_a_schedule_is_late_when_a_due_run_has_not_started(
    since: timedelta, started: timedelta | None, outcome: RunOutcome | None, level: Level, words: str
) -> None:
    state = _state("5 * * * *", since, started, outcome, NOW)
    finding = judge_schedule(state, NOW)
    assert finding.level is level
    assert words in finding.what


def test_a_run_without_an_end_is_a_fault_once_no_flow_may_take_so_long() -> None:
    state = _state("0 3 * * 0", 90 * HOUR, 3 * HOUR, None, NOW)
    assert "never ended" in judge_schedule(state, NOW).what


def _state(cron: str, since: timedelta, started: timedelta | None, outcome: RunOutcome | None, now: datetime) -> Any:
    runs = {}
    if started is not None:
        at = now - started
        good = at if outcome is RunOutcome.COMPLETED else None
        run = FlowRun("score", True, at, at if outcome else None, outcome, "no room" if outcome else None)
        runs["score"] = RunSummary(run, good, at)
    (state,) = schedule_states([Schedule("score", cron, now - since)], runs, now, last_due, next_due)
    return state
