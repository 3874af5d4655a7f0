"""The complete demo: table, services, Ctrl-C."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest

from tests.lib.error_lines import errors_in
from tests.lib.file_modes import open_to_others, walk

SIZE = ("--tutors", "300", "--days", "150", "--sessions-per-day", "400")
PATIENCE = 300.0
SECRETS = (
    "api_key",
    "dashboard_session_secret",
    "token_secret",
    "webhook_secret",
    "dashboard_password",
    "dashboard_cookie_secret",
    "prefect_auth",
    "mlflow_auth",
)
WATCHED = 600.0
"""Seconds for which the running demo is watched for errors in its logs."""


@pytest.mark.slow
def test_the_demo_prints_the_list_serves_and_stops_everything_on_ctrl_c(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from cli.main import main; main()", "demo", *SIZE]
    environ = {**os.environ, "TQS_DATA_DIR": str(tmp_path), "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/untouched"}
    output, began = tmp_path / "output.txt", time.monotonic()
    with output.open("wb") as sink:
        demo = subprocess.Popen(command, env=environ, stdout=sink, stderr=sink, start_new_session=True, umask=0)
    try:
        until = time.monotonic() + PATIENCE
        while "Running until Ctrl-C" not in output.read_text():
            assert demo.poll() is None, output.read_text()
            assert time.monotonic() < until, output.read_text()
            time.sleep(1)
        time.sleep(1)
        addresses = set(re.findall(r"http://127\.0\.0\.1:\d+", output.read_text()))
        assert len(addresses) == 4
        assert all(httpx.get(address).status_code < 500 for address in addresses)
        assert "The 15 tutors who most need help" in output.read_text()
        assert "Next scheduled runs (UTC): " in output.read_text()
        assert len(list((tmp_path / "demo" / "mails").glob("*.eml"))) == 1
        check_command_lines(demo.pid, tmp_path / "demo")
        assert not open_to_others(path for path in walk(tmp_path / "demo") if path != tmp_path / "demo")
        _watch(demo, began + WATCHED, tmp_path / "demo")
    finally:
        demo.send_signal(signal.SIGINT)
        code = demo.wait(60)
    assert code == 0
    assert "Traceback" not in output.read_text()
    for address in addresses:
        with pytest.raises(httpx.ConnectError):
            httpx.get(address)
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(tmp_path / "demo" / "postgres") not in running
    _start_again(command, environ, tmp_path)


def _start_again(command: list[str], environ: dict[str, str], folder: Path) -> None:
    """Check that a second start keeps secrets, models and tutors, trains nothing, and loads only new data."""
    secrets = {name: (folder / "demo" / name).read_text() for name in SECRETS}
    again = subprocess.run([*command, "--no-serve"], env=environ, capture_output=True, text=True, timeout=PATIENCE)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "The 15 tutors who most need help" in again.stdout
    assert "no_show/2" not in again.stdout
    assert {name: (folder / "demo" / name).read_text() for name in SECRETS} == secrets


def check_command_lines(pid: int, home: Path) -> None:
    """Check that no command line of the demo, its services or its database contains a secret of the data folder."""
    files = [home / name for name in SECRETS]
    files += [home / "postgres" / "password", home / "postgres" / "role_password"]
    secrets = [file.read_text().rpartition(":")[2] for file in files]
    demo = psutil.Process(pid)
    cluster = str((home / "postgres").resolve())
    servers = [p for p in psutil.process_iter() if cluster in " ".join(p.cmdline())]
    shown = {p.pid: " ".join(p.cmdline()) for p in (demo, *demo.children(recursive=True), *servers)}
    assert len(shown) >= 8
    assert not {number: line for number, line in shown.items() if any(secret in line for secret in secrets)}


def _watch(demo: "subprocess.Popen[bytes]", until: float, home: Path) -> None:
    """Until the deadline, fail as soon as a service of the demo logs an error or the demo ends."""
    while time.monotonic() < until:
        assert demo.poll() is None
        assert errors_in(home / "logs", home / "postgres") == {}
        time.sleep(5)
