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

from domain.errors import TutorQualityError

# Prefect gives its server 20 seconds, which a small machine that scores and serves meanwhile does not keep to.
_SETTINGS = {
    PREFECT_SERVER_ANALYTICS_ENABLED: False,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS: 180,
}


def run(flow: Flow[..., Any], **parameters: Any) -> Any:
    """Run a flow in this process. Raises what the flow raises."""
    os.environ.update({"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"})  # the server is a child
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(name).addFilter(_without_traceback)
    with temporary_settings(_SETTINGS):
        return flow(**parameters)


def main(flow: Flow[..., Any], **parameters: Any) -> None:
    """Run a flow as a program: an error that a user can mend is one line and exit code 1."""
    try:
        run(flow, **parameters)
    except TutorQualityError as error:
        sys.exit(f"{flow.name}: {error}")


def _without_traceback(record: logging.LogRecord) -> bool:
    if record.exc_info and isinstance(record.exc_info[1], TutorQualityError):
        record.exc_info = None
    return True
