"""The walk-through in the docs, executed verbatim."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.lib.paths import ROOT

WALK = ROOT / "docs" / "walk.md"
_BLOCK = re.compile(r"^```(python|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

pytestmark = [
    pytest.mark.slow,  # two trainings
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning"),
]


def _commands(block: str) -> Iterator[list[str]]:
    for line in block.splitlines():
        assert line.startswith("$ tqs "), f"{line}: console blocks of the walk-through may contain commands only"
        yield [str(Path(sys.executable).with_name("tqs")), *shlex.split(line)[2:]]


def _run(command: list[str]) -> dict:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_the_walk_runs_from_top_to_bottom(
    database_url: str,
    engine: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("TQS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    session: dict[str, object] = {}
    answers = []
    for language, block in _BLOCK.findall(WALK.read_text(encoding="utf-8")):
        if language == "python":
            exec(compile(block, str(WALK), "exec"), session)
        else:
            answers += [_run(command) for command in _commands(block)]
    output = capsys.readouterr().out
    for line in (
        r"\d{4,} sessions of \d+ tutors",
        r"default: ROC AUC 0\.\d{3} \(0\.\d{3} to 0\.\d{3}\), ceiling 0\.\d{3}",
        r"shallow over default: [+-]0\.\d{4} \([+-]0\.\d{4} to [+-]0\.\d{4}\)",
        r"calibration error 0\.\d{4}",
        r"no_show/1: (champion|refused|challenger)",
        r"no_show/2: (champion|refused|challenger)",
    ):
        assert re.search(line, output), f"{line} is not in\n{output}"
    assert (tmp_path / "reliability.png").read_bytes().startswith(b"\x89PNG")
    listed, promoted, rolled_back = answers
    assert {entry["version"] for entry in listed["models"][0]["ledger"]} == {"no_show/1", "no_show/2"}
    assert promoted["champion"] == "no_show/2"
    assert rolled_back == {"champion": "no_show/1", "instead_of": "no_show/2"}
