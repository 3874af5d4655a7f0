"""Schedules of the flows and the record of one run."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

CRONS: Mapping[str, str] = MappingProxyType(
    {
        "drain": "*/5 * * * *",  # events and webhooks that no worker has leased; no work while a worker runs
        "score": "5 * * * *",  # hourly, five minutes after sessions end
        "contacts": "20 0 * * *",  # after the day's first scores: the sessions of tomorrow, 24 to 48 hours ahead
        "retention": "40 1 * * *",  # every night: delete data past its retention period
        "build_features": "30 2 * * *",  # every night
        "monitor": "0 6 * * 1",  # on Monday, so that the report is there in the morning
        "compare": "0 2 * * 0",  # before the week's training, which may replace the challenger
        "train": "0 3 * * 0",  # weekly, on the quietest night
    }
)
"""Default cron expression of every scheduled flow, in UTC. TQS_SCHEDULES overrides single entries."""


class RunOutcome(StrEnum):
    """Outcome of a run. A killed run has no outcome and no end."""

    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Schedule:
    """Cron expression of a flow as served by `python -m flows.schedules`, and the time since it is."""

    flow: str
    cron: str
    since: datetime


@dataclass(frozen=True)
class FlowRun:
    """One run of a flow. `scheduled` is false for a run started by a person or a test.

    `ended_at` and `outcome` are None while it runs and after it was killed; `error` is the message of a failure.
    """

    flow: str
    scheduled: bool
    started_at: datetime
    ended_at: datetime | None = None
    outcome: RunOutcome | None = None
    error: str | None = None


@dataclass(frozen=True)
class RunSummary:
    """Latest run of a flow, end of its last completed run, start of its last scheduled run."""

    latest: FlowRun
    last_good: datetime | None
    last_scheduled: datetime | None
