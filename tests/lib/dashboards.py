"""The real dashboard in its own process."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.lib.paths import ROOT


@contextmanager
def dashboard(database_url: str, folder: Path, **more: str) -> Iterator[str]:
    """Run a dashboard during the block, with optional further settings; yields its address."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"DATABASE_URL": database_url, "TQS_DATA_DIR": str(folder), "TQS_UI_PORT": str(port)} | more
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TQS_")} | settings
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "ui"], cwd=ROOT, env=environ, stdout=log, stderr=log)
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}/login", process, folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert "Traceback" not in (folder / "log").read_text()


def _wait_until_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(address).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    pytest.fail(log.read_text())
