"""`mlflow run` of this project, started from the command line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from gateways.registry.project import runs_this_project
from gateways.registry.tracking import EXPERIMENT, given_tracking_uri, parent_run
from tests.lib.paths import ROOT

_PROJECT = """\
name: tutor-quality-scoring
entry_points:
  main:
    command: "python -c \\"import os; print('child logs to', os.environ['MLFLOW_TRACKING_URI'].rpartition('/')[2])\\""
"""


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")
def test_mlflow_run_logs_to_the_projects_own_store_and_leaves_no_file_behind(server_url: str, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "MLproject").write_text(_PROJECT)
    bin_folder = Path(sys.executable).parent
    environ = {
        **os.environ,
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        "DATABASE_URL": make_url(server_url).set(database="tqs").render_as_string(hide_password=False),
        "TQS_DATA_DIR": str(tmp_path / "data"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    environ.pop("MLFLOW_TRACKING_URI", None)
    done = subprocess.run(
        [bin_folder / "mlflow", "run", ".", "--env-manager", "local"],
        cwd=project, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "child logs to mlflow" in done.stdout
    assert [path.name for path in project.iterdir()] == ["MLproject"]
    from mlflow import MlflowClient

    client = MlflowClient(make_url(server_url).set(database="mlflow").render_as_string(hide_password=False))
    (run,) = client.search_runs([client.get_experiment_by_name(EXPERIMENT).experiment_id])
    assert run.info.status == "FINISHED"


def test_the_plugin_answers_for_mlflow_run_of_this_project_alone(tmp_path: Path) -> None:
    (tmp_path / "MLproject").write_text("name: another\n")
    root = str(ROOT)
    assert runs_this_project(["/bin/mlflow", "run", root, "-e", "train"])
    assert runs_this_project(["/lib/mlflow/__main__.py", "run", root])
    for other in (
        ["/bin/mlflow", "server", root],
        ["/bin/mlflow", "run", str(tmp_path)],
        ["/bin/tqs", "run", root],
        [],
    ):
        assert not runs_this_project(other)


def test_a_store_that_mlflow_chose_for_itself_is_not_used(tmp_path: Path) -> None:
    defaulted = {"MLFLOW_RUN_ID": "r1", "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db"}
    chosen = {"MLFLOW_RUN_ID": "r1", "MLFLOW_TRACKING_URI": "http://127.0.0.1:5000"}
    assert (given_tracking_uri(defaulted, tmp_path), parent_run(defaulted, tmp_path)) == (None, None)
    assert (given_tracking_uri(chosen, tmp_path), parent_run(chosen, tmp_path)) == ("http://127.0.0.1:5000", "r1")
    assert given_tracking_uri({}, tmp_path) is None
