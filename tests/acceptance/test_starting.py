"""Start-up under conditions that prevent a normal start: error messages and exit codes."""

import logging
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import psutil
import pytest
from prefect import flow
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.utilities.annotations import quote

from domain.errors import EngineUnavailable, InvalidSettings, NoModel
from flows.standalone import run
from flows.tasks import task
from gateways.ports import check_port
from serving.__main__ import main as start_api
from ui.__main__ import main as start_dashboard

HOST = "127.0.0.1"


def test_a_port_of_the_api_that_is_taken_is_one_line() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InvalidSettings, match=rf"port {port} cannot be used \(Address already in use\)"):
            check_port(HOST, port, "TQS_API_PORT")
    check_port(HOST, port, "TQS_API_PORT")


@pytest.mark.parametrize(("start", "setting"), [(start_api, "TQS_API_PORT"), (start_dashboard, "TQS_UI_PORT")])
def test_a_service_that_cannot_start_ends_with_one_line_that_names_the_setting(
    start: Callable[[Mapping[str, str]], None], setting: str, database_url: str, tmp_path: Path
) -> None:
    environ, umask = {"DATABASE_URL": database_url, "TQS_DATA_DIR": str(tmp_path)}, os.umask(0o077)
    try:
        with socket.create_server((HOST, 0)) as taken:
            for value in (str(taken.getsockname()[1]), "many", "99999"):
                with pytest.raises(SystemExit, match=rf"^error: .*{setting}") as ended:
                    start(environ | {setting: value})
                assert "\n" not in str(ended.value)
    finally:
        os.umask(umask)


def test_a_flow_run_by_a_person_starts_no_prefect_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)

    @task()
    def doubled(values: list[int]) -> list[int]:
        return [2 * value for value in values]

    @flow
    def sums(values: list[int]) -> int:
        return sum(doubled(cast(list[int], quote(values))))

    began = time.monotonic()
    assert run(sums, values=[1, 2]) == 6
    assert time.monotonic() - began < 1  # starting a server takes 16 s
    assert not any("prefect" in " ".join(child.cmdline()) for child in psutil.Process().children(recursive=True))


def test_a_prefect_server_that_is_away_is_one_line_and_another_error_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    @flow
    def broken() -> None:
        raise RuntimeError("something else")

    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with pytest.raises(RuntimeError, match="something else"):
        run(broken)
    with socket.create_server((HOST, 0)) as closed:
        address = f"http://{HOST}:{closed.getsockname()[1]}/api"
    monkeypatch.setenv("PREFECT_API_URL", address)
    with temporary_settings({PREFECT_API_URL: address}), pytest.raises(EngineUnavailable, match="does not answer"):
        run(broken)


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
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    run(cast(Any, logged))
    assert [(r.message, r.exc_info and str(r.exc_info[1])) for r in caplog.records] == [
        ("Encountered exception", "ours"),
        ("Beginning flow run", None),
    ]
