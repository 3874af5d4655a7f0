"""Prefect's and MLflow's servers as started by the demo: requests without, with wrong and with valid credentials."""

import asyncio
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from sqlalchemy import make_url
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from cli.processes import Processes, Service
from cli.services import mlflow_service, prefect_environ, prefect_service
from flows.server_access import server_access
from gateways.prefect_server.access import auth_string
from gateways.registry.tracking import pages_sign_in
from gateways.settings import Settings, load_settings
from tests.lib.file_modes import open_to_others, walk

READY_SECONDS = 180.0
PATIENCE = 60.0
MLFLOW_REQUESTS = (
    ("GET", "/"),
    ("GET", "/version"),
    ("GET", "/metrics"),
    ("GET", "/ajax-api/2.0/mlflow/experiments/search?max_results=1"),
    ("POST", "/api/2.0/mlflow/experiments/create"),
    ("POST", "/graphql"),
    ("GET", "/get-artifact?path=MLmodel&run_uuid=0"),
    ("PUT", "/api/2.0/mlflow-artifacts/artifacts/x"),
    ("POST", "/health"),
    ("GET", "//health"),
)
ELSEWHERE = {"Origin": "http://elsewhere.example"}
PREFECT_REQUESTS = (
    ("GET", "/api/admin/settings"),
    ("POST", "/api/flows/filter"),
    ("POST", "/api/deployments/"),
    ("PATCH", "/api/deployments/00000000-0000-0000-0000-000000000000"),
    ("GET", "/api/no/such/path"),
)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def settings(data_dir: Path) -> Settings:
    return load_settings({"TQS_DATA_DIR": str(data_dir), "TQS_PREFECT_PORT": "4920", "TQS_MLFLOW_PORT": "4921"})


@pytest.fixture(scope="module")
def processes(data_dir: Path) -> Iterator[Processes]:
    processes = Processes(data_dir / "logs")
    yield processes
    processes.stop()


@pytest.fixture(scope="module")
def services(
    processes: Processes, settings: Settings, data_dir: Path, server_url: str, registry_file: Path
) -> Mapping[str, Service]:
    """Both servers, started at the same time."""
    shutil.copy(registry_file, data_dir / "mlflow.db")
    environ = {**os.environ, "TQS_DATA_DIR": str(data_dir), "DATABASE_URL": server_url}
    environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{data_dir / 'mlflow.db'}"
    services = (prefect_service(prefect_environ(settings, environ)), mlflow_service(settings, environ))
    before = os.umask(0)
    for service in services:
        processes.start(service)
    os.umask(before)
    for service in services:
        processes.wait_ready(service, READY_SECONDS)
    return {service.name: service for service in services}


@pytest.fixture(scope="module")
def prefect(services: Mapping[str, Service]) -> Service:
    return services["prefect"]


@pytest.fixture(scope="module")
def mlflow(services: Mapping[str, Service]) -> Service:
    return services["mlflow"]


@pytest.mark.parametrize(("method", "path"), PREFECT_REQUESTS)
def test_prefect_answers_nothing_without_the_right_sign_in(prefect: Service, method: str, path: str) -> None:
    user, _, password = prefect.environ["PREFECT_API_AUTH_STRING"].partition(":")
    for auth in (None, (user, "wrong"), ("", ""), (password, user)):
        answer = _request(method, prefect.url + path, auth=auth, headers=ELSEWHERE)
        assert answer.status_code == 401
        assert "access-control-allow-origin" not in answer.headers
    assert _request(method, prefect.url + path, auth=(user, password)).status_code != 401


def test_prefects_health_is_open(prefect: Service) -> None:
    assert _request("GET", f"{prefect.url}/api/health").json() is True


def test_prefect_refuses_preflight_requests_of_other_origins(prefect: Service) -> None:
    preflight = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization"}
    for origin, status in ((ELSEWHERE["Origin"], 400), ("null", 400), (prefect.url, 200)):
        answer = _request("OPTIONS", f"{prefect.url}/api/deployments/1", headers={**preflight, "Origin": origin})
        assert answer.status_code == status
        assert (answer.headers.get("access-control-allow-origin") == origin) == (status == 200)


@pytest.mark.parametrize("path", ["/api/events/in", "/api/events/out", "/api/logs/out"])
def test_prefects_streams_ask_for_the_sign_in(prefect: Service, path: str) -> None:
    address = prefect.url.replace("http", "ws") + path
    with connect(address, subprotocols=["prefect"]) as stream:  # type: ignore[list-item]
        stream.send(json.dumps({"type": "auth", "token": "wrong"}))
        with pytest.raises(ConnectionClosed):
            stream.recv(PATIENCE)
    with connect(address, subprotocols=["prefect"]) as stream:  # type: ignore[list-item]
        stream.send(json.dumps({"type": "auth", "token": prefect.environ["PREFECT_API_AUTH_STRING"]}))
        assert json.loads(stream.recv(PATIENCE)) == {"type": "auth_success"}


def test_the_flows_settings_sign_in_to_prefect(prefect: Service, settings: Settings) -> None:
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings

    async def read_flows() -> int:
        async with get_client() as client:
            return len(await client.read_flows())

    here = {PREFECT_API_URL: f"{prefect.url}/api"}
    with temporary_settings(here), temporary_settings(server_access(settings)):
        assert asyncio.run(read_flows()) == 0


@pytest.mark.parametrize(("method", "path"), MLFLOW_REQUESTS)
def test_mlflow_answers_nothing_without_the_right_sign_in(
    mlflow: Service, settings: Settings, method: str, path: str
) -> None:
    user, _, password = pages_sign_in(settings).partition(":")
    for auth in (None, (user, "wrong"), ("", ""), (password, user), (user, f"{password} ")):
        answer = _request(method, mlflow.url + path, auth=auth)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic ")
    assert _request(method, mlflow.url + path, auth=(user, password), json={}).status_code != 401


def test_mlflows_pages_work_with_the_sign_in_and_health_without(mlflow: Service, settings: Settings) -> None:
    user, _, password = pages_sign_in(settings).partition(":")
    with httpx.Client(base_url=mlflow.url, auth=(user, password), timeout=PATIENCE) as client:
        assert "<html" in client.get("/").text
        page = {"Origin": mlflow.url}
        made = client.post("/ajax-api/2.0/mlflow/experiments/create", json={"name": "by hand"}, headers=page)
        assert made.status_code == 200
    assert _request("GET", f"{mlflow.url}/health").status_code == 200


@pytest.mark.parametrize("origin", [ELSEWHERE["Origin"], "http://127.0.0.1:9", "http://localhost", "null"])
def test_mlflow_refuses_requests_of_other_origins_even_with_the_sign_in(
    mlflow: Service, settings: Settings, origin: str
) -> None:
    user, _, password = pages_sign_in(settings).partition(":")
    for method, path in (("POST", "/ajax-api/2.0/mlflow/experiments/create"), ("OPTIONS", "/graphql"), ("GET", "/")):
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        answer = _request(method, mlflow.url + path, auth=(user, password), headers=headers)
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers


def test_mlflow_refuses_a_host_name_that_was_rebound_to_us(mlflow: Service, settings: Settings) -> None:
    user, _, password = pages_sign_in(settings).partition(":")
    answer = _request("GET", f"{mlflow.url}/", auth=(user, password), headers={"Host": "elsewhere.example"})
    assert answer.status_code == 403


def test_both_listen_on_the_loopback_address_only(processes: Processes, services: Mapping[str, Service]) -> None:
    for name in services:
        listening = {c.laddr.ip for p in _tree(processes, name) for c in p.net_connections() if c.status == "LISTEN"}
        assert listening == {"127.0.0.1"}


def test_all_that_they_write_is_private_though_the_umask_was_zero(
    data_dir: Path, services: Mapping[str, Service]
) -> None:
    made = [path for name in ("logs", "prefect", "prefect_auth", "mlflow_auth") for path in walk(data_dir / name)]
    assert len(made) >= 8
    assert not open_to_others(made)


def test_no_command_line_shows_a_secret(
    processes: Processes, services: Mapping[str, Service], settings: Settings, server_url: str
) -> None:
    secrets = [auth_string(settings), pages_sign_in(settings), str(make_url(server_url).password)]
    for name in services:
        shown = " ".join(argument for process in _tree(processes, name) for argument in process.cmdline())
        assert "python" in shown
        assert not [secret for secret in secrets if secret.rpartition(":")[2] in shown]


def test_prefects_sign_in_is_the_one_that_is_set_and_else_a_kept_one(tmp_path: Path) -> None:
    kept = load_settings({"TQS_DATA_DIR": str(tmp_path)})
    assert auth_string(kept) == auth_string(kept) == (tmp_path / "prefect_auth").read_text()
    assert auth_string(load_settings({"TQS_PREFECT_AUTH": "ann:0123456789abcdef"})) == "ann:0123456789abcdef"


def _request(method: str, url: str, **options: Any) -> httpx.Response:
    return httpx.request(method, url, timeout=PATIENCE, **options)


def _tree(processes: Processes, name: str) -> list[psutil.Process]:
    leader = psutil.Process(processes.running[name].pid)
    return [leader, *leader.children(recursive=True)]
