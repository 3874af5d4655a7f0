"""The command line: output, exit codes, and no traceback."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from simulator.files import write
from simulator.settings import MarketSettings
from tests.lib.markets import FEW, market
from tests.lib.paths import MEDICAL, ROOT

EXAMPLES = ROOT / "docs" / "examples"


def tqs(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from cli.main import main; main()", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(market(FEW), tmp_path_factory.mktemp("market"))


def test_simulate_writes_files_that_the_backtest_accepts_and_shows_its_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tqs("simulate", "--tutors", 100, "--days", 120, "--sessions-per-day", 200, "--out", tmp_path, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    expected = {"tutors", "students", "sessions", "reschedules", "messages", "transcripts", "truth"}
    assert {path.stem for path in tmp_path.glob("*.parquet")} == expected
    monkeypatch.setattr("cli.steps.PLAIN_SECONDS", 0.01)
    table = CliRunner().invoke(app(), ["backtest", "no_show", str(tmp_path / "dataset.yaml")])
    assert table.exit_code == 0, table.output
    assert "gain of history" in table.stdout
    assert "The plain XGBoost reaches ROC AUC" in table.stdout
    assert "The history raises the ROC AUC" in table.stdout
    assert "Columns that matter most" in table.stdout
    assert "…" not in table.stdout
    shown = {line.partition(" … ")[0] for line in table.stderr.splitlines()}
    assert {"read the dataset", "with history: measure on the later rows"} < shown
    assert "without history: fit to the outcomes known before the cut" in shown


@pytest.mark.parametrize("task", ["no_show", "churn"])
def test_backtest_prints_one_json_object_with_the_ceiling_beside_it(dataset: Path, task: str) -> None:
    run = tqs("backtest", task, dataset, "--truth", dataset.parent / "truth.parquet", "--json", cwd=dataset.parent)
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert set(found) == {
        "n_train", "n_test", "base_rate", "with_history", "without_history", "gain", "seconds", "peak_mb", "ceiling",
        "tutor_figures", "tutor_ceiling", "tiers", "baselines", "slices", "worst_slice", "origins", "alarms",
        "decided_when_asked", "overridden", "removals", "fallback", "unconfirmed", "in_words",
    }  # fmt: skip
    assert set(found["baselines"]) == {"base_rate", "phase_1_rule", "own_rate", "logistic_regression", "plain_xgboost"}
    assert len(found["origins"]) == 4
    for part in ("with_history", "without_history", "ceiling"):
        assert set(found[part]) == {"roc_auc", "pr_auc", "brier", "ece", "precision_at", "recall_at"}
        assert set(found[part]["precision_at"]) == set(found[part]["recall_at"]) == {"5", "10", "20"}
    low, high = found["gain"]["ci95"]
    assert low <= found["gain"]["roc_auc"] <= high
    assert 0.45 < found["with_history"]["roc_auc"] < found["ceiling"]["roc_auc"] + 0.03


def test_the_real_file_gives_the_figures_of_a_careful_model(tmp_path: Path) -> None:
    if not MEDICAL.exists():
        pytest.skip(f"{MEDICAL.name} is missing; it must not be committed to the repository")
    description, file = EXAMPLES / "medical_no_shows.yaml", f"sessions={MEDICAL}"
    run = tqs("backtest", "no_show", description, "--file", file, "--cut", "2016-05-30", "--json", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    ours = found["with_history"]
    assert found["n_test"] == 35_243
    assert 0.725 <= ours["roc_auc"] < 0.78  # a higher value would indicate a leak
    assert ours["pr_auc"] >= 0.33
    assert ours["precision_at"]["5"] >= 0.40
    assert ours["ece"] <= 0.025
    assert found["gain"]["roc_auc"] >= 0.004


def test_a_column_the_file_lacks_ends_with_2_and_names_the_nearest(dataset: Path, tmp_path: Path) -> None:
    text = dataset.read_text().replace(
        "file: sessions.parquet", "file: sessions.parquet\n  columns: {starts_at: start_at}"
    )
    broken = dataset.with_name("broken.yaml")
    broken.write_text(text)
    run = tqs("backtest", "no_show", broken, cwd=tmp_path)
    assert run.returncode == 2
    assert "start_at" in run.stderr
    assert "starts_at" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("backtest", "no_show", "absent.yaml"), 2, "absent.yaml"),
        (("backtest", "weather", "absent.yaml"), 2, "weather"),
        (("backtest", "churn", "absent.yaml", "--horizon", "soon"), 2, "30d"),
        (("nonsense",), 2, "nonsense"),
    ],
)
def test_what_cannot_be_done_is_one_message_and_an_exit_code(
    arguments: tuple[str, ...], code: int, words: str, tmp_path: Path
) -> None:
    run = tqs(*arguments, cwd=tmp_path)
    assert run.returncode == code
    assert words in run.stderr
    assert "Traceback" not in run.stderr


def test_too_little_history_ends_with_4_and_says_what_is_missing(tmp_path: Path) -> None:
    description = write(market(MarketSettings(tutors=5, days=10, sessions_per_day=5)), tmp_path)
    run = tqs("backtest", "no_show", description, cwd=tmp_path)
    assert run.returncode == 4
    assert "at least 200 of each outcome" in run.stderr
    assert "Import more history or move --cut." in run.stderr


def test_help_names_every_command(tmp_path: Path) -> None:
    run = tqs("--help", cwd=tmp_path)
    assert run.returncode == 0
    for command in ("demo", "simulate", "import", "backtest", "train", "score", "top", "models"):
        assert command in run.stdout


HEAVY = {"alembic", "bentoml", "mlflow", "numpy", "pandas", "panel", "prefect", "pyarrow", "sqlalchemy", "xgboost"}
"""Packages whose import takes from a tenth of a second to several seconds."""


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("train", "--help")])
def test_help_imports_no_heavy_package(arguments: tuple[str, ...], tmp_path: Path) -> None:
    ending = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr))"
    command = [sys.executable, "-c", f"{ending}; from cli.main import main; main()", *arguments]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0
    imported = {module.partition(".")[0] for module in run.stderr.split()}
    assert "typer" in imported
    assert not imported & HEAVY
