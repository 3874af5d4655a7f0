"""Ctrl-C in a command, and input from which no market can be simulated: one line and an exit code."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.interrupts import ending_on_interrupt
from cli.main import app
from domain.errors import InvalidSettings

STOPPED = "tqs: stopped by Ctrl-C\n"

_PRESSED = """
import os, signal, threading
from cli.main import main
signal.signal(signal.SIGINT, signal.default_int_handler)
threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT)).start()
main()
"""


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """Restore Python's handler of SIGINT, independently of how the tests were started."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_running_command_ends_with_one_line_and_130(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _PRESSED, "simulate", "--days", "2000", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", STOPPED)


def _as_another_error() -> None:
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        raise ValueError("error in .read() call") from None


def test_an_error_that_a_library_makes_of_ctrl_c_ends_with_130_too(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, ending_on_interrupt():
        _as_another_error()
    assert ended.value.code == 130
    assert capsys.readouterr().err == STOPPED


def test_no_exception_leaves_a_function_that_native_code_calls(capsys: pytest.CaptureFixture[str]) -> None:
    left: list[str] = []

    def _next_wrapper() -> None:
        """Stand-in with the name of the XGBoost function that C++ code calls."""
        os.kill(os.getpid(), signal.SIGINT)
        left.append("without an exception")

    def fit() -> None:
        _next_wrapper()
        signal.pause()

    with pytest.raises(SystemExit) as ended, ending_on_interrupt():
        fit()
    assert left == ["without an exception"]
    assert (ended.value.code, capsys.readouterr().err) == (130, STOPPED)


def test_an_error_without_ctrl_c_stays_as_it_is() -> None:
    with pytest.raises(ValueError, match="bad"), ending_on_interrupt():
        raise ValueError("bad")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--sessions-per-day", "9000000000"), "at most 100,000,000"),
        (("--days", "1000000", "--sessions-per-day", "1"), "start before 1970"),
        (("--end", "0001-01-02"), "start before 1970"),
        (("--out", "file/below"), r"--out file/below: cannot be written \(Not a directory\)"),
    ],
)
def test_a_market_that_cannot_be_made_is_refused_by_its_option(
    options: tuple[str, ...], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    found = CliRunner().invoke(app(), ["simulate", "--out", "market", *options])
    assert isinstance(found.exception, InvalidSettings)
    with pytest.raises(InvalidSettings, match=words):
        raise found.exception


@pytest.mark.parametrize("size", [("1", "7", "1"), ("100", "7", "1"), ("1", "7", "500")])
def test_the_smallest_markets_are_made(size: tuple[str, ...], tmp_path: Path) -> None:
    tutors, days, sessions = size
    options = ("--tutors", tutors, "--days", days, "--sessions-per-day", sessions)
    assert CliRunner().invoke(app(), ["simulate", "--out", str(tmp_path), *options]).exit_code == 0
