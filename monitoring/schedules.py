"""State of the schedules, from the records of their runs: on time, late, failed, killed or stopped."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.schedules import FlowRun, RunOutcome, RunSummary, Schedule
from monitoring.findings import Finding, Level

GRACE = timedelta(minutes=10)
"""A run is late if it has not started this long after it was due."""

RUN_LIMIT = timedelta(hours=2)
"""A run without an end that started longer ago was killed: every flow has a time limit of an hour or less."""

_SLACK = timedelta(minutes=1)
_RESTART = "Check that `python -m flows.schedules` and the Prefect server run, and read their logs."

Due = Callable[[str, datetime], datetime]
"""Function of a cron expression and a moment; returns the last or the next due moment."""


@dataclass(frozen=True)
class ScheduleState:
    """State of one schedule: newest run, end of the last successful run, and next due moment.

    `late_since` is the due moment for which no scheduled run has started; None if the schedule is on time.
    """

    flow: str
    cron: str
    latest: FlowRun | None
    last_good: datetime | None
    next_due: datetime
    late_since: datetime | None


def schedule_states(
    schedules: Sequence[Schedule], runs: Mapping[str, RunSummary], now: datetime, last_due: Due, next_due: Due
) -> list[ScheduleState]:
    """The state of each schedule at `now`."""
    return [_state(one, runs.get(one.flow), now, last_due, next_due) for one in schedules]


def _state(schedule: Schedule, runs: RunSummary | None, now: datetime, last_due: Due, next_due: Due) -> ScheduleState:
    due = last_due(schedule.cron, now - GRACE)
    started = runs.last_scheduled if runs else None
    late = due >= schedule.since and (started is None or started < due - _SLACK)
    return ScheduleState(
        schedule.flow,
        schedule.cron,
        runs.latest if runs else None,
        runs.last_good if runs else None,
        next_due(schedule.cron, now),
        due if late else None,
    )


def judge_schedule(state: ScheduleState, now: datetime) -> Finding:
    """A finding about one schedule: late, failed, killed, stopped or ok."""
    check, run = f"schedule {state.flow}", state.latest
    last = f"last successful run {_at(state.last_good)}" if state.last_good else "no successful run yet"
    tail = f"{last}, next {_at(state.next_due)}"
    if state.late_since:
        return Finding(check, Level.FAULT, f"late: no run has started since {_at(state.late_since)}; {tail}", _RESTART)
    if run and run.outcome is RunOutcome.FAILED:
        what = f"the run of {_at(run.started_at)} failed: {run.error}; {tail}"
        return Finding(check, Level.FAULT, what, "Fix the cause; the next run catches up.")
    if run and run.outcome is None and now - run.started_at > RUN_LIMIT:
        what = f"the run of {_at(run.started_at)} never ended; {tail}"
        return Finding(check, Level.FAULT, what, "It was killed: check the system log for lack of memory.")
    if run and run.outcome is RunOutcome.STOPPED:
        return Finding(check, Level.WARNING, f"the run of {_at(run.started_at)} was stopped; {tail}")
    return Finding(check, Level.OK, tail)


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
