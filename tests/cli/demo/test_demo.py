"""Parts of the demo: its continued marketplace, state file, prompts and progress lines."""

import json
import os
import re
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.compute as pc
import pytest

from cli import steps
from cli.demo.home import AHEAD, DemoHome, Progress, Size
from cli.demo.plan import Wish, check_same_size, confirm_deletion, first_progress, introduction
from cli.demo.running import State, announced, read_state, started, use_running_demo, write_state
from domain.errors import InvalidSettings, NotEnoughData
from domain.schema import KINDS
from features.base.dataset import Dataset
from features.base.known import known_at
from simulator.files import read, write
from simulator.marketplace import simulate
from simulator.news import news
from simulator.settings import MarketSettings
from tests.lib.paths import ROOT

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def _rows(dataset: Dataset, kind: str) -> dict[str, object]:
    return {row[KINDS[kind].key]: row for row in dataset.tables[kind].to_pylist()}


def test_what_was_known_and_the_news_since_make_what_is_known(tmp_path: Path) -> None:
    settings = MarketSettings(tutors=60, days=40, sessions_per_day=150, end=NOW + timedelta(days=20))
    write(simulate(settings), tmp_path)
    whole = read(tmp_path).dataset
    first, later = NOW - timedelta(days=5), NOW
    before, new, after = known_at(whole, first), news(whole, first, later), known_at(whole, later)
    for kind in KINDS:
        assert _rows(before, kind) | _rows(new, kind) == _rows(after, kind), kind
        assert new.tables[kind].num_rows < after.tables[kind].num_rows
    assert all(news(whole, later, later).tables[kind].num_rows == 0 for kind in KINDS)


def test_ids_in_the_docs_exist_in_the_demo() -> None:
    size = Size()
    whole = simulate(
        MarketSettings(
            tutors=size.tutors, days=size.days + AHEAD.days, sessions_per_day=size.sessions_per_day, seed=7,
            end=NOW + AHEAD,
        )
    ).dataset  # fmt: skip
    market = known_at(whole, NOW)
    docs = [*ROOT.glob("docs/*.md"), ROOT / "README.md", ROOT / "docs/openapi.json"]
    named = {
        name for path in docs for name in re.findall(r"\b(?:tutor|session|student|message)-\d+\b", path.read_text())
    }
    assert {"tutor-17", "session-81023", "student-204"} <= named
    columns = [market.tables[kind][KINDS[kind].key] for kind in KINDS]
    absent = {name for name in named if not any(pc.index(column, name).as_py() >= 0 for column in columns)}
    assert not absent
    departed = dict(
        zip(*(market.tables["tutors"][name].to_pylist() for name in ("tutor_id", "departed_at")), strict=True)
    )
    assert departed["tutor-17"] is None  # a departed tutor has no scores


def test_a_running_demo_is_found_by_its_state_file_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environ: dict[str, str] = {}
    with announced(tmp_path, {"TQS_DATA_DIR": str(tmp_path), "TQS_API_PORT": "3001"}):
        assert stat.S_IMODE((tmp_path / "running.json").stat().st_mode) == 0o600
        use_running_demo(environ, tmp_path)
        assert environ == {"TQS_DATA_DIR": str(tmp_path), "TQS_API_PORT": "3001"}
        assert capsys.readouterr().err == (
            f"Using the running demo in {tmp_path} (set TQS_DATA_DIR to choose another).\n"
        )
        for name in ("DATABASE_URL", "TQS_DATA_DIR"):
            chosen = {name: "mine"}
            use_running_demo(chosen, tmp_path)
            assert chosen == {name: "mine"}
    assert read_state(tmp_path) is None


def test_a_demo_that_was_killed_is_not_found_even_where_its_pid_is_in_use_again(tmp_path: Path) -> None:
    this = started(os.getpid())
    for demo in (type(this)(this.pid, this.created - 3600), type(this)(2**22 + 1, this.created)):
        write_state(tmp_path, State(demo, {"TQS_DATA_DIR": "gone"}))
        environ: dict[str, str] = {}
        use_running_demo(environ, tmp_path)
        assert environ == {}
    (tmp_path / "running.json").write_text('{"demo"')
    use_running_demo(environ, tmp_path)
    assert environ == {}


def test_two_demos_do_not_share_a_folder(tmp_path: Path) -> None:
    home = DemoHome(tmp_path)
    with home.locked(), pytest.raises(InvalidSettings, match="A demo already runs in"), home.locked():
        pass
    with home.locked():
        pass


def test_progress_survives_and_a_damaged_file_counts_as_none(tmp_path: Path) -> None:
    home = DemoHome(tmp_path)
    progress = Progress(Size(300, 60, 400), 7, NOW + AHEAD, NOW, True, {"Check and load it": 3.5})
    home.keep(progress)
    assert home.progress() == progress
    (tmp_path / "demo.json").write_text(json.dumps({"size": 3}))
    assert home.progress() is None


def test_an_interrupted_start_is_named_with_the_step_it_goes_on_from(tmp_path: Path) -> None:
    home = DemoHome(tmp_path)
    progress = first_progress(Wish(None, None, None), 7, NOW)
    assert introduction(home, progress, True).startswith(f"A new demo in {tmp_path}: about ")
    home.keep(progress)
    assert "interrupted before the marketplace was simulated" in introduction(home, progress, True)
    home.market.mkdir()
    assert "interrupted before the data was loaded" in introduction(home, progress, True)
    loaded = Progress(progress.size, 7, progress.market_end, NOW)
    assert "interrupted after the data was loaded" in introduction(home, loaded, True)


def test_a_market_too_small_to_train_on_and_another_size_are_refused_before_anything_starts() -> None:
    with pytest.raises(NotEnoughData, match="contain about 45 missed sessions; training needs at least 250"):
        first_progress(Wish(20, 60, 50), 7, NOW)
    progress = first_progress(Wish(300, 150, 400), 7, NOW)
    check_same_size(Wish(None, 150, None), progress)
    with pytest.raises(InvalidSettings, match=r"has --tutors 300 --days 150 --sessions-per-day 400"):
        check_same_size(Wish(1200, None, None), progress)


def test_starting_over_deletes_nothing_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "no_terminal").open("w+") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        with pytest.raises(InvalidSettings, match=r"Nothing was deleted.*FRESH=yes"):
            confirm_deletion(DemoHome(tmp_path), yes=False)
        confirm_deletion(DemoHome(tmp_path), yes=True)


def test_a_long_step_in_a_pipe_prints_elapsed_and_expected_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(steps, "PLAIN_SECONDS", 0.02)
    counted = steps.Steps(steps.console(), 2, {"Train": 170.0})
    with counted.step("Train") as notes:
        time.sleep(0.2)
        notes.append("[bold]two[/bold] models")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "1/2 Train … (about 2 min 50 s)"
    assert lines[1] == "1/2 Train … 0 s of about 2 min 50 s"
    assert lines[-1].startswith("✓ 1/2 Train: [bold]two[/bold] models (0.")
    assert counted.took["Train"] >= 0.2


def test_wrong_settings_end_every_command_before_it_starts_anything(tmp_path: Path) -> None:
    environ = {**os.environ, "TQS_DATA_DIR": str(tmp_path / "data"), "TQS_API_PORT": "door"}
    for command in (["demo"], ["top"], ["score"]):
        run = subprocess.run([sys.executable, "-m", "cli", *command], env=environ, capture_output=True, text=True)
        assert (run.returncode, run.stderr) == (2, "tqs: TQS_API_PORT: give a whole number\n")
    assert not (tmp_path / "data").exists()


def test_make_clean_deletes_nothing_unasked_and_names_what_stays(tmp_path: Path) -> None:
    for name in (".venv", ".data/demo"):
        (tmp_path / name).mkdir(parents=True)
    command = [sys.executable, str(ROOT / ".ci" / "clean.py")]
    asked = subprocess.run(command, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert (asked.returncode, asked.stderr) == (
        2,
        "Nothing was deleted: no terminal to confirm in. Run `make clean YES=yes` to delete these.\n",
    )
    assert f"{tmp_path / '.data'}: tutors, scores, models, runs, passwords and keys" in asked.stdout
    with announced(tmp_path / ".data" / "demo", {}):
        refused = subprocess.run([*command, "--yes"], cwd=tmp_path, capture_output=True, text=True)
        assert "a demo is running" in refused.stderr
    done = subprocess.run([*command, "--yes"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0
    assert not list(tmp_path.iterdir())
    assert "Remaining on this machine:" in done.stdout
