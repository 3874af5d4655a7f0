"""Scheduled flows. `python -m flows.schedules` serves them to a Prefect server."""

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from prefect import Flow, serve
from prefect.settings import temporary_settings

from domain.errors import DatabaseUnavailable, TutorQualityError
from domain.schedules import CRONS
from flows.build_features import build_features
from flows.compare import compare
from flows.contacts import contacts
from flows.inbox import drain
from flows.monitor import monitor
from flows.retention import retention
from flows.score import score
from flows.server_access import server_access
from flows.train import train
from gateways.clock import utc_now
from gateways.crons import read_schedules
from gateways.prefect_server.probe import DEPLOYMENT
from gateways.private_files import keep_files_private
from gateways.settings import load_settings
from jobs.runtime import open_runtime
from store.operations.schedules import register_schedules

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment

_RETRY_SECONDS = 2.0
_FLOWS: tuple[Flow[..., Any], ...] = (
    drain,
    score,
    contacts,
    retention,
    build_features,
    monitor,
    compare,
    train,
)


@dataclass(frozen=True)
class Scheduled:
    """A flow and its cron expression, in UTC."""

    flow: Flow[..., Any]
    cron: str


def scheduled_flows(crons: Mapping[str, str] = CRONS) -> tuple[Scheduled, ...]:
    """The flows that have a cron expression, in the order of their default schedules."""
    return tuple(Scheduled(flow, crons[flow.name]) for flow in _FLOWS if flow.name in crons)


def register(environ: Mapping[str, str], crons: Mapping[str, str]) -> None:
    """Store the schedules in the database; waits while it is unavailable. Raises InvalidSettings."""
    while True:
        try:
            with open_runtime(environ) as runtime:
                return register_schedules(runtime.engine, crons, utc_now())
        except DatabaseUnavailable as error:
            print(f"flows.schedules: {error}", file=sys.stderr, flush=True)
            time.sleep(_RETRY_SECONDS)


def main(environ: Mapping[str, str]) -> None:
    """Serve every flow on its schedule until stopped, at PREFECT_API_URL or the server at TQS_PREFECT_PORT."""
    keep_files_private()
    try:
        settings = load_settings(environ)
        crons = read_schedules(settings.schedules)
        register(environ, crons)
    except TutorQualityError as error:
        sys.exit(f"error: {error}")
    with temporary_settings(server_access(settings)):  # inherited by the processes of the runs
        deployments = [s.flow.to_deployment(name=DEPLOYMENT, cron=s.cron) for s in scheduled_flows(crons)]
        serve(*cast("list[RunnerDeployment]", deployments))  # synchronous outside an event loop


if __name__ == "__main__":
    main(os.environ)
