"""The real BentoML service in its own process."""

import os
import signal
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from sqlalchemy import text
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from domain.schedules import RunOutcome
from serving.guard.authentication import INSTALLATION
from serving.http.connections import HEADER_BYTES
from store.access.keys import revoke_key
from store.db.engine import Engine
from store.facts.load import load
from store.operations.schedules import end_run, register_schedules, start_run
from tests.lib.access_parts import bearer, new_key
from tests.lib.api_parts import HEADERS, KEY, marketplace, problem, register, small_model
from tests.lib.paths import ROOT


def test_the_bento_service_serves_the_api_and_guards_its_own_routes(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    load(engine, marketplace())
    register(engine, small_model())
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    register_schedules(engine, {"score": "5 * * * *", "drain": "*/5 * * * *"}, long_ago)
    end_run(engine, start_run(engine, "drain", True, long_ago), RunOutcome.COMPLETED, None, long_ago)
    with _bento(database_url, tmp_path) as (address, process), httpx.Client(base_url=address, timeout=20) as client:
        assert client.get("/api/health").json() == {"status": "ok"}
        assert client.get("/api/ready").json()["models"] == {"no_show": "7", "churn": None}
        assert client.get("/api/tutors/ada/scores", headers=HEADERS).json()["status"] == "not_scored"
        tomorrow = {"tutor_id": "ada", "starts_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()}
        answer = client.post("/api/predict/no_show", json=tomorrow, headers=HEADERS)
        assert answer.json()["score"]["value"] > 0.5
        for path in ("/schema.json", "/metrics", "/"):
            problem(client.get(path), 401, "wrong_key")
        assert client.get("/schema.json", headers=HEADERS).status_code == 200
        metrics = client.get("/metrics", headers=HEADERS).text
        counted = 'tutor_quality_request_seconds_count{method="GET",route="/api/tutors/{tutor_id}/scores",status="200"}'
        assert f"{counted} 1.0" in metrics
        assert 'tutor_quality_schedule_late{flow="score"} 1.0' in metrics
        assert 'tutor_quality_schedule_last_good_timestamp_seconds{flow="drain"} 1.7' in metrics
        assert "tutor_quality_schedules_read 1.0" in metrics
        assert "ada" not in metrics  # no series, and so no trace, about a person
        problem(client.get("/", headers=HEADERS), 404, "not_found")  # BentoML's landing page
        pickle = {"content-type": "application/vnd.bentoml+pickle"}
        problem(client.post("/schema.json", content=b"\x80", headers=HEADERS | pickle), 405, "method_not_allowed")
        problem(client.post("/api/predict/no_show", content=b"\x80", headers=HEADERS | pickle), 415, "not_json")
        _, reader = new_key(engine)
        for path in ("/schema.json", "/metrics"):
            problem(client.get(path, headers=bearer(reader)), 403, "forbidden")
        for path in ("/docs.json", "/static_content/x"):  # other routes that BentoML would serve
            problem(client.get(path, headers=HEADERS), 404, "not_found")
        _check_made_up_paths_leave_nothing(client, address, tmp_path / "log")
        _check_bounded(address)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def _check_made_up_paths_leave_nothing(client: httpx.Client, address: str, log: Path) -> None:
    """Check that unknown paths add no metric series and no log line, with or without a key."""

    def ask(number: int) -> None:
        path = f"/made-up-{number}/ada@example.org"
        assert client.get(path, headers=HEADERS).status_code == 404
        assert client.request("PROPFIND", path).status_code in (401, 429)
        assert client.post(f"/api{path}").status_code in (401, 429)
        with pytest.raises(InvalidStatus):
            connect(address.replace("http", "ws") + path)

    def series() -> int:
        return len(client.get("/metrics", headers=HEADERS).text.splitlines())

    ask(0)
    series()  # the first request to /metrics adds its own series
    before, size = series(), log.stat().st_size
    for number in range(1, 31):
        ask(number)
    assert series() == before
    logged = log.read_text()[size:]
    assert "made-up" not in logged
    assert logged.count("\n") == logged.count("path=/metrics")  # BentoML logs its own route


def _check_bounded(address: str) -> None:
    """Check that BentoML's server uses the bounded protocols: no compression, and limited headers."""
    with connect(address.replace("http", "ws") + "/api/changes/ws", additional_headers=HEADERS) as stream:
        assert stream.response is not None
        assert "sec-websocket-extensions" not in stream.response.headers
    with socket.create_connection(("127.0.0.1", urlsplit(address).port or 0), timeout=20) as slow:
        slow.sendall(b"GET /api/health HTTP/1.1\r\n" + b"x: " + b"y" * HEADER_BYTES * 5)
        with suppress(ConnectionResetError):
            assert slow.recv(100).startswith(b"HTTP/1.1 431")


@pytest.mark.slow
def test_eight_thousand_made_up_paths_take_no_memory_and_no_disk(database_url: str, tmp_path: Path) -> None:
    """Before the guard preceded BentoML, this attack cost 200 MB of memory, 76 MB of files and timeouts of /metrics."""
    with _bento(database_url, tmp_path) as (address, process), httpx.Client(base_url=address, timeout=20) as client:

        def size() -> tuple[float, float, int]:
            tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            memory = sum(one.memory_info().rss for one in tree) / 1e6
            files = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) / 1e6
            return memory, files, len(client.get("/metrics", headers=HEADERS).text.splitlines())

        for number in range(200):
            client.get(f"/warm/{number}", headers=HEADERS)
        size()
        before = size()
        for number in range(8_000):
            client.get(f"/made-up/{number}", headers=HEADERS if number % 2 else {})
        after = size()
    print(
        f"8,000 made-up paths: memory {after[0] - before[0]:+.1f} MB, files {after[1] - before[1]:+.2f} MB, "
        f"lines of /metrics {before[2]} -> {after[2]}"
    )
    assert after[0] - before[0] < 20
    assert after[1] - before[1] < 1
    # Each new status (429) may add one histogram, but no path may.
    assert after[2] - before[2] < 50


@pytest.mark.slow
def test_eight_websockets_that_send_what_they_can_take_no_memory(database_url: str, tmp_path: Path) -> None:
    """Eight connections that sent 2 MB used 580 MB of memory when messages were decompressed and kept."""
    packed = zlib.compressobj(9, wbits=-15)
    zeros = packed.compress(bytes(240_000_000)) + packed.flush(zlib.Z_SYNC_FLUSH)
    bomb = b"\xc2\xff" + len(zeros).to_bytes(8, "big") + bytes(4) + zeros  # one compressed message of 240 MB
    small = b"\x81\x81" + bytes(4) + b"x"
    with _bento(database_url, tmp_path) as (address, process):
        tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        before = sum(one.memory_info().rss for one in tree) / 1e6
        peak, wire = before, 0
        for sent in (bomb, small * (len(bomb) // len(small))):
            with ExitStack() as held:
                for _ in range(8):
                    url = address.replace("http", "ws") + "/api/changes/ws"
                    stream = held.enter_context(connect(url, additional_headers=HEADERS))
                    with suppress(OSError):
                        stream.socket.sendall(sent)
                        wire += len(sent)
                    peak = max(peak, sum(one.memory_info().rss for one in tree) / 1e6)
        print(f"{wire / 1e6:.1f} MB sent over 16 WebSockets: memory {peak - before:+.1f} MB at most")
        assert peak - before < 40


@pytest.mark.slow
def test_two_processes_count_requests_together_and_both_refuse_a_revoked_key(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    key, written = new_key(engine)
    shared = {"TQS_API_WORKERS": "2", "TQS_RATE_LIMIT": "100/hour", "TQS_RATE_LIMIT_STORAGE": "postgresql"}

    def statuses(address: str, times: int) -> list[int]:
        # One connection per request, so that requests reach both processes.
        with httpx.Client(headers=bearer(written), limits=httpx.Limits(max_keepalive_connections=0)) as client:
            return [client.get(f"{address}/api/openapi.json").status_code for _ in range(times)]

    with _bento(database_url, tmp_path, shared) as (address, _):
        assert statuses(address, 100) == [200] * 100
        with engine.connect() as connection:
            ears = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tqs listening to api_keys'"
            assert connection.execute(text(ears)).scalar_one() == 2  # each process listens for revocations
        assert statuses(address, 20) == [429] * 20
        revoke_key(engine, key.id, INSTALLATION, datetime.now(UTC))
        time.sleep(1)
        assert statuses(address, 20) == [401] * 20


def test_processes_that_would_each_count_for_themselves_do_not_start(tmp_path: Path) -> None:
    environ = os.environ | {"TQS_API_WORKERS": "2", "TQS_DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "serving"]
    run = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 1
    assert "TQS_RATE_LIMIT_STORAGE" in run.stderr
    assert "Traceback" not in run.stderr


@contextmanager
def _bento(
    database_url: str, folder: Path, more: Mapping[str, str] = MappingProxyType({})
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run the real service in its own process, and wait until it is ready."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "DATABASE_URL": database_url,
        "TQS_DATA_DIR": str(folder),
        "TQS_API_KEY": KEY,
        "TQS_API_PORT": str(port),
    }
    settings |= more
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TQS_")} | settings
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "serving"], cwd=ROOT, env=environ, stdout=log, stderr=log)
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}", process, folder / "log")
        yield f"http://127.0.0.1:{port}", process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(20)


def _wait_until_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{address}/api/ready").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    pytest.fail(log.read_text())
