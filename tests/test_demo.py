"""The demo whole: table, services, Ctrl-C."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

SIZE = ("--tutors", "300", "--days", "150", "--sessions-per-day", "400")
PATIENCE = 300.0


@pytest.mark.slow
def test_the_demo_prints_the_list_serves_and_stops_everything_on_ctrl_c(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from cli.main import main; main()", "demo", *SIZE]
    environ = {**os.environ, "TQS_DATA_DIR": str(tmp_path), "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/untouched"}
    output = tmp_path / "output.txt"
    with output.open("wb") as sink:
        demo = subprocess.Popen(command, env=environ, stdout=sink, stderr=sink, start_new_session=True)
    try:
        until = time.monotonic() + PATIENCE
        while "Running until Ctrl-C" not in output.read_text():
            assert demo.poll() is None, output.read_text()
            assert time.monotonic() < until, output.read_text()
            time.sleep(1)
        time.sleep(1)
        addresses = re.findall(r"http://127\.0\.0\.1:\d+", output.read_text())
        assert len(addresses) == 4
        assert all(httpx.get(address).status_code < 500 for address in addresses)
        assert "The 15 tutors who most need help" in output.read_text()
        assert len(list((tmp_path / "demo" / "mails").glob("*.eml"))) == 1
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
