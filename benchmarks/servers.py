"""Measured servers, as processes on their own core."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.load import SERVER_CORE
from gateways.ports import free_port

PATIENCE = 90.0
"""Seconds a server may take until it is ready."""

ROOT = Path(__file__).parents[1]


def pin(core: int = SERVER_CORE) -> None:
    """Keep this process, and whatever it starts from now on, on one core."""
    os.sched_setaffinity(0, {core})


@contextmanager
def server(
    command: Sequence[str], environ: Mapping[str, str], port: int, ready: str, log: Path, core: int = SERVER_CORE
) -> Iterator[str]:
    """The address of a command that listens on the port, once `GET ready` is answered 200; ended afterwards.

    Raises RuntimeError with its log where it never is.
    """
    with log.open("wb") as written:
        process = subprocess.Popen(
            ["taskset", "-c", str(core), *command], cwd=ROOT, env=dict(environ), stdout=written, stderr=written
        )
    try:
        _wait(process, f"http://127.0.0.1:{port}{ready}", log)
        yield f"http://127.0.0.1:{port}"
    finally:
        _end(process)


@contextmanager
def service(database_url: str, folder: Path, core: int = SERVER_CORE, **more: str) -> Iterator[str]:
    """The address of our service as `python -m serving` runs it, on a database; `more` are environment variables."""
    port = free_port("127.0.0.1")
    own = {"DATABASE_URL": database_url, "TQS_DATA_DIR": str(folder), "TQS_API_PORT": str(port)} | more
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TQS_")} | own
    command = [sys.executable, "-m", "serving"]
    with server(command, environ, port, "/api/ready", folder / "service.log", core) as address:
        yield address


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise RuntimeError(log.read_text(errors="replace")[-4000:])


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
