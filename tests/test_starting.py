"""What a person meets who starts something where it cannot start as usual."""

import socket
from typing import Any, cast

import pytest
from prefect.settings import PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS

from domain.errors import InvalidSettings
from flows.standalone import run
from serving.__main__ import check_port

HOST = "127.0.0.1"


def test_a_port_of_the_api_that_is_taken_is_one_line() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InvalidSettings, match=rf"port {port} cannot be used \(Address already in use\)"):
            check_port(HOST, port)
    check_port(HOST, port)


def test_a_flow_waits_minutes_for_prefect_on_a_busy_machine() -> None:
    flow = cast(Any, PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS.value)
    assert run(flow) >= 120
