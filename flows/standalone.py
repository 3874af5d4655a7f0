"""A flow run by a person: no telemetry from the server Prefect starts, and no traceback for what can be mended."""

import logging
import os
import sys
from typing import Any

from prefect import Flow
from prefect.settings import (
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_SERVER_ANALYTICS_ENABLED,
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS,
    temporary_settings,
)

from domain.errors import EngineUnavailable, TutorQualityError
from flows.server_access import run_access
from gateways.private_files import keep_files_private
from gateways.settings import load_settings

STARTUP_SECONDS = 180
# Prefect gives its server 20 seconds, which a small machine that scores and serves meanwhile does not keep to.
_SETTINGS = {
    PREFECT_SERVER_ANALYTICS_ENABLED: False,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS: STARTUP_SECONDS,
}

_SERVER_AWAY = "Timed out while attempting to connect to ephemeral Prefect API server"


def run(flow: Flow[..., Any], **parameters: Any) -> Any:
    """Run a flow in this process. Raises what the flow raises; EngineUnavailable where Prefect's server is away."""
    os.environ.update({"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"})  # the server is a child
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(name).addFilter(_without_ours)
    with temporary_settings({**_SETTINGS, **run_access(load_settings(os.environ))}):
        try:
            return flow(**parameters)
        except RuntimeError as error:
            if not str(error).startswith(_SERVER_AWAY):
                raise
            raise EngineUnavailable(
                f"Prefect's server did not start within {STARTUP_SECONDS} s: free the machine and run this again."
            ) from error


def main(flow: Flow[..., Any], **parameters: Any) -> None:
    """Run a flow as a program: an error that a user can mend is one line and exit code 1."""
    keep_files_private()
    try:
        run(flow, **parameters)
    except TutorQualityError as error:
        sys.exit(f"{flow.name}: {error}")


def _without_ours(record: logging.LogRecord) -> bool:
    """Leave out what Prefect says of an error of ours, which whoever started the flow says in one line."""
    if record.exc_info:
        return not isinstance(record.exc_info[1], TutorQualityError)
    return not record.getMessage().startswith("Finished in state Failed(")
