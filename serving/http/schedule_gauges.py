"""Gauges of the schedules at `/metrics`, refreshed from the run records at each scrape."""

import logging
import time
from collections.abc import Callable
from functools import cache

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from domain.errors import TutorQualityError
from gateways.crons import last_due, next_due
from monitoring.schedules import ScheduleState, schedule_states
from serving.resources import Resources
from store.operations.schedules import registered_schedules, run_summaries

logger = logging.getLogger("tutor_quality.serving")

PATH = "/metrics"
_FRESH_SECONDS = 5.0


class ScheduleGauges:
    """ASGI middleware inside the guard that refreshes the gauges before a scrape.

    A scrape never fails because of them: without the database they keep their values and `…_schedules_read` is 0.
    """

    def __init__(self, app: ASGIApp, resources: Callable[[], Resources]) -> None:
        self.app, self.resources = app, resources
        self._read_at = -_FRESH_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refresh the gauges if the request is a scrape, then pass it on."""
        if scope["type"] == "http" and scope["path"] == PATH and time.monotonic() - self._read_at >= _FRESH_SECONDS:
            self._read_at = time.monotonic()
            await run_in_threadpool(self._refresh)
        await self.app(scope, receive, send)

    def _refresh(self) -> None:
        resources = self.resources()
        try:
            registered, runs = registered_schedules(resources.engine), run_summaries(resources.engine)
        except TutorQualityError as error:
            logger.warning("schedule gauges are out of date: %s", error)
            _gauges().set_readable(False)
        else:
            _gauges().show(schedule_states(registered, runs, resources.now(), last_due, next_due))
            _gauges().set_readable(True)


@cache
def _gauges() -> "_Gauges":
    return _Gauges()


class _Gauges:
    """The gauges, created after BentoML has set the multiprocess directory; the process that wrote last counts."""

    def __init__(self) -> None:
        from prometheus_client import Gauge

        def gauge(name: str, meaning: str, *labels: str) -> Gauge:
            return Gauge(f"tutor_quality_{name}", meaning, labels, multiprocess_mode="mostrecent")

        self._good = gauge(
            "schedule_last_good_timestamp_seconds", "End of the last successful run; 0 without one.", "flow"
        )
        self._next = gauge("schedule_next_due_timestamp_seconds", "When the next run is due.", "flow")
        self._late = gauge("schedule_late", "1 if a run that was due has not started.", "flow")
        self._read = gauge("schedules_read", "1 if the run records could be read at the last scrape.")

    def show(self, states: list[ScheduleState]) -> None:
        for state in states:
            self._good.labels(state.flow).set(state.last_good.timestamp() if state.last_good else 0)
            self._next.labels(state.flow).set(state.next_due.timestamp())
            self._late.labels(state.flow).set(state.late_since is not None)

    def set_readable(self, readable: bool) -> None:
        self._read.set(readable)
