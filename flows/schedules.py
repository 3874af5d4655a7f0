"""Every flow and when it runs: the one list. `python -m flows.schedules` serves it to a Prefect server."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from prefect import Flow, serve
from prefect.settings import temporary_settings

from domain.errors import TutorQualityError
from flows.build_features import build_features
from flows.compare import compare
from flows.contacts import contacts
from flows.inbox import drain
from flows.monitor import monitor
from flows.score import score
from flows.server_access import server_access
from flows.train import train
from gateways.settings import load_settings

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment


@dataclass(frozen=True)
class Scheduled:
    """A flow and its cron expression, in UTC."""

    flow: Flow[..., Any]
    cron: str


SCHEDULES = (
    Scheduled(drain, "*/5 * * * *"),  # what no worker took: a safety net, which finds nothing where one runs
    Scheduled(score, "5 * * * *"),  # hourly, five minutes after sessions end
    Scheduled(contacts, "20 0 * * *"),  # after the day's first scores: the sessions of tomorrow, 24 to 48 hours ahead
    Scheduled(build_features, "30 2 * * *"),  # every night
    Scheduled(monitor, "0 6 * * 1"),  # on Monday, to be read in the morning
    Scheduled(compare, "0 2 * * 0"),  # before the week's training, which may bring another challenger
    Scheduled(train, "0 3 * * 0"),  # weekly, on the quietest night
)


def main(environ: Mapping[str, str]) -> None:
    """Serve every flow on its schedule until stopped, at PREFECT_API_URL or the server at TQS_PREFECT_PORT."""
    try:
        settings = load_settings(environ)
    except TutorQualityError as error:
        sys.exit(f"error: {error}")
    with temporary_settings(server_access(settings)):  # the processes of the runs inherit them
        deployments = [s.flow.to_deployment(name="scheduled", cron=s.cron) for s in SCHEDULES]
        serve(*cast("list[RunnerDeployment]", deployments))  # outside an event loop they are made at once


if __name__ == "__main__":
    main(os.environ)
