"""Prefect's server as the demo starts it: requests without a sign-in, with a wrong one and with the right one."""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from cli.processes import Processes, Service
from cli.services import prefect_environ, prefect_service
from flows.server_access import server_access
from gateways.prefect_access import auth_string
from gateways.settings import Settings, load_settings

READY_SECONDS = 120.0
ELSEWHERE = {"Origin": "http://elsewhere.example"}
PREFECT_REQUESTS = (
    ("GET", "/api/admin/settings"),
    ("POST", "/api/flows/filter"),
    ("POST", "/api/deployments/"),
    ("PATCH", "/api/deployments/00000000-0000-0000-0000-000000000000"),
    ("GET", "/api/openapi.json"),
    ("GET", "/api/no/such/path"),
)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def settings(data_dir: Path) -> Settings:
    return load_settings({"TQS_DATA_DIR": str(data_dir), "TQS_PREFECT_PORT": "4920"})


@pytest.fixture(scope="module")
def processes(data_dir: Path) -> Iterator[Processes]:
    processes = Processes(data_dir / "logs")
    yield processes
    processes.stop()


@pytest.fixture(scope="module")
def prefect(processes: Processes, settings: Settings, data_dir: Path) -> Service:
    service = prefect_service(prefect_environ(settings, {**os.environ, "TQS_DATA_DIR": str(data_dir)}))
    processes.start(service)
    processes.wait_ready(service, READY_SECONDS)
    return service


@pytest.mark.parametrize(("method", "path"), PREFECT_REQUESTS)
def test_prefect_answers_nothing_without_the_right_sign_in(prefect: Service, method: str, path: str) -> None:
    user, _, password = prefect.environ["PREFECT_API_AUTH_STRING"].partition(":")
    for auth in (None, (user, "wrong"), ("", ""), (password, user)):
        answer = httpx.request(method, prefect.url + path, auth=auth, headers=ELSEWHERE)
        assert answer.status_code == 401
        assert "access-control-allow-origin" not in answer.headers
    assert httpx.request(method, prefect.url + path, auth=(user, password)).status_code != 401


def test_prefects_health_is_open(prefect: Service) -> None:
    assert httpx.get(f"{prefect.url}/api/health").json() is True


def test_prefect_refuses_preflight_requests_of_other_origins(prefect: Service) -> None:
    asked = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization"}
    for origin, status in ((ELSEWHERE["Origin"], 400), ("null", 400), (prefect.url, 200)):
        answer = httpx.options(f"{prefect.url}/api/deployments/1", headers={**asked, "Origin": origin})
        assert answer.status_code == status
        assert (answer.headers.get("access-control-allow-origin") == origin) == (status == 200)


@pytest.mark.parametrize("path", ["/api/events/in", "/api/events/out", "/api/logs/out"])
def test_prefects_streams_ask_for_the_sign_in(prefect: Service, path: str) -> None:
    address = prefect.url.replace("http", "ws") + path
    with connect(address, subprotocols=["prefect"]) as stream:  # type: ignore[list-item]
        stream.send(json.dumps({"type": "auth", "token": "wrong"}))
        with pytest.raises(ConnectionClosed):
            stream.recv(5)
    with connect(address, subprotocols=["prefect"]) as stream:  # type: ignore[list-item]
        stream.send(json.dumps({"type": "auth", "token": prefect.environ["PREFECT_API_AUTH_STRING"]}))
        assert json.loads(stream.recv(5)) == {"type": "auth_success"}


def test_the_flows_settings_sign_in_to_prefect(prefect: Service, settings: Settings) -> None:
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings

    async def read_flows() -> int:
        async with get_client() as client:
            return len(await client.read_flows())

    here = {PREFECT_API_URL: f"{prefect.url}/api"}
    with temporary_settings(here), temporary_settings(server_access(settings)):
        assert asyncio.run(read_flows()) == 0


def test_prefect_listens_on_the_loopback_address_only(processes: Processes, prefect: Service) -> None:
    assert _listening(processes, prefect) == {"127.0.0.1"}


def test_prefects_sign_in_is_the_one_that_is_set_and_else_a_kept_one(tmp_path: Path) -> None:
    kept = load_settings({"TQS_DATA_DIR": str(tmp_path)})
    assert auth_string(kept) == auth_string(kept) == (tmp_path / "prefect_auth").read_text()
    assert auth_string(load_settings({"TQS_PREFECT_AUTH": "ann:0123456789abcdef"})) == "ann:0123456789abcdef"


def _listening(processes: Processes, service: Service) -> set[str]:
    leader = psutil.Process(processes.running[service.name].pid)
    connections = [c for p in (leader, *leader.children(recursive=True)) for c in p.net_connections()]
    return {c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN}
