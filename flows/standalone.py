"""Flows run by a person: without a Prefect server unless PREFECT_API_URL is set; user errors print no traceback."""

import logging
import os
import sys
from typing import Any

import httpx
from prefect import Flow
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_SERVER_ANALYTICS_ENABLED,
    temporary_settings,
)

from domain.errors import EngineUnavailable, TutorQualityError
from flows.server_access import run_access
from flows.tasks import without_prefect
from gateways.private_files import keep_files_private
from gateways.settings import load_settings

_SETTINGS = {PREFECT_SERVER_ANALYTICS_ENABLED: False, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}

_SERVER_UNAVAILABLE = "Failed to reach API at"


def run(flow: Flow[..., Any], **parameters: Any) -> Any:
    """Run a flow in this process and return its result. Raises what the flow raises.

    With PREFECT_API_URL the run is recorded on that server; EngineUnavailable is raised if it is unavailable.
    Without it the flow runs as a plain function, as Prefect would take 16 seconds to start a server for one run.
    """
    if not os.environ.get("PREFECT_API_URL"):
        with without_prefect():
            return flow.fn(**parameters)
    return _recorded(flow, parameters)


def _recorded(flow: Flow[..., Any], parameters: dict[str, Any]) -> Any:
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(name).addFilter(_without_project_errors)
    address = {PREFECT_API_URL: os.environ["PREFECT_API_URL"]}
    with temporary_settings(_SETTINGS | address), temporary_settings(run_access(load_settings(os.environ))):
        try:
            return flow(**parameters)
        except (RuntimeError, httpx.HTTPError) as error:
            if not _is_unavailable(error):
                raise
            raise EngineUnavailable(
                f"Prefect's server at PREFECT_API_URL={os.environ['PREFECT_API_URL']} does not answer: start it, or "
                "unset PREFECT_API_URL to run without it."
            ) from error


def _is_unavailable(error: Exception) -> bool:
    return isinstance(error, httpx.TransportError) or str(error).startswith(_SERVER_UNAVAILABLE)


def main(flow: Flow[..., Any], **parameters: Any) -> None:
    """Run a flow as a program: a user error is one line and exit code 1."""
    keep_files_private()
    try:
        run(flow, **parameters)
    except TutorQualityError as error:
        sys.exit(f"{flow.name}: {error}")


def _without_project_errors(record: logging.LogRecord) -> bool:
    """Log filter: suppress Prefect's report of a project error, which `main` prints in one line."""
    if record.exc_info:
        return not isinstance(record.exc_info[1], TutorQualityError)
    return not record.getMessage().startswith("Finished in state Failed(")
