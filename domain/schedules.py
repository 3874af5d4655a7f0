"""Schedules of the flows and the record of one run."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

CRONS: Mapping[str, str] = MappingProxyType(
    {
        "drain": "*/5 * * * *",  # events and webhooks that no worker took; finds nothing while a worker runs
        "score": "5 * * * *",  # hourly, five minutes after sessions end
        "contacts": "20 0 * * *",  # after the day's first scores: the sessions of tomorrow, 24 to 48 hours ahead
        "retention": "40 1 * * *",  # every night: remove what has been kept long enough
        "build_features": "30 2 * * *",  # every night
        "monitor": "0 6 * * 1",  # on Monday, to be read in the morning
        "compare": "0 2 * * 0",  # before the week's training, which may bring another challenger
        "train": "0 3 * * 0",  # weekly, on the quietest night
    }
)
"""Default cron expression of every scheduled flow, in UTC. TQS_SCHEDULES overrides single entries."""


class RunOutcome(StrEnum):
    """How a run ended. A run that was killed has no outcome: its row has no end."""

    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Schedule:
    """The cron expression of a flow as `python -m flows.schedules` serves it, and since when it does."""

    flow: str
    cron: str
    since: datetime


@dataclass(frozen=True)
class FlowRun:
    """One run of a flow. `scheduled` is false for a run started by a person or a test.

    `ended_at` and `outcome` are None while it runs and after it was killed; `error` is the sentence of a failure.
    """

    flow: str
    scheduled: bool
    started_at: datetime
    ended_at: datetime | None = None
    outcome: RunOutcome | None = None
    error: str | None = None


@dataclass(frozen=True)
class RunSummary:
    """The newest run of a flow, the end of its last completed run, and the start of its last scheduled run."""

    latest: FlowRun
    last_good: datetime | None
    last_scheduled: datetime | None
