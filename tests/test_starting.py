"""What a person meets who starts something where it cannot start as usual."""

import logging
import socket
import sys
from typing import Any, cast

import pytest
from prefect.settings import PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS

from domain.errors import EngineUnavailable, InvalidSettings, NoModel
from flows.standalone import run
from gateways.ports import check_port

HOST = "127.0.0.1"


def test_a_port_of_the_api_that_is_taken_is_one_line() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InvalidSettings, match=rf"port {port} cannot be used \(Address already in use\)"):
            check_port(HOST, port, "TQS_API_PORT")
    check_port(HOST, port, "TQS_API_PORT")


def test_a_flow_waits_minutes_for_prefect_on_a_busy_machine() -> None:
    flow = cast(Any, PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS.value)
    assert run(flow) >= 120


def test_prefect_that_does_not_start_is_one_line_and_another_error_is_none() -> None:
    def away() -> None:
        raise RuntimeError("Timed out while attempting to connect to ephemeral Prefect API server.")

    def broken() -> None:
        raise RuntimeError("something else")

    with pytest.raises(EngineUnavailable, match=r"did not start within 180 s: free the machine and run this again\."):
        run(cast(Any, away))
    with pytest.raises(RuntimeError, match="something else"):
        run(cast(Any, broken))


def test_an_error_that_can_be_mended_is_not_said_again_in_prefects_words(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def logged() -> None:
        log = logging.getLogger("prefect.flow_runs")
        for error in (NoModel("train first"), ValueError("ours")):
            try:
                raise error
            except Exception:
                log.error("Encountered exception", exc_info=sys.exc_info())
        log.error("Finished in state %s", "Failed('Flow run encountered an exception: NoModel: train first')")
        log.error("Beginning flow run")

    flow_runs = logging.getLogger("prefect.flow_runs")
    monkeypatch.setattr(flow_runs, "handlers", [caplog.handler])
    monkeypatch.setattr(flow_runs, "propagate", False)
    run(cast(Any, logged))
    assert [(r.message, r.exc_info and str(r.exc_info[1])) for r in caplog.records] == [
        ("Encountered exception", "ours"),
        ("Beginning flow run", None),
    ]
