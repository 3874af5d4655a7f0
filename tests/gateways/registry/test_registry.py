import json
import os
import shutil
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import xgboost as xgb

from domain.errors import RegistryUnavailable
from domain.vocabulary import Task
from gateways.registry import (
    RegisteredVersion,
    attach,
    discard,
    metrics,
    register,
    runs_path,
    settle,
)
from models.evaluate.metrics import Figure
from models.train.training import Training
from tests.lib.trainings import COLUMNS, training

# MLflow 3.17 uses a loader that SQLAlchemy 2.1 calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")

NOW = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def tracking_uri(registry_file: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{shutil.copy(registry_file, tmp_path_factory.mktemp('mlflow'))}"


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    return tmp_path / "artifacts"


@pytest.fixture
def unset_tracking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def _register(trained: Training, uri: str, artifacts: Path, **more: str | int) -> RegisteredVersion:
    where = {"experiment": artifacts.parent.name, "git_commit": "a1b2c3", **more}
    return register(trained, plots={"reliability": PNG}, tracking_uri=uri, artifact_root=artifacts, now=NOW, **where)  # type: ignore[arg-type]


def _client(uri: str):  # type: ignore[no-untyped-def]
    from mlflow import MlflowClient

    return MlflowClient(uri)


def test_a_run_keeps_parameters_figures_and_where_the_model_comes_from(tracking_uri: str, artifacts: Path) -> None:
    trained = training()
    trained = replace(trained, evaluation=replace(trained.evaluation, overridden=("fee alone; overridden: agreed",)))
    run = _client(tracking_uri).get_run(_register(trained, tracking_uri, artifacts).run_id)
    auc = trained.evaluation.figures["roc_auc"]
    assert run.info.status == "FINISHED"
    assert run.data.params == {"rounds": "5", "eta": "0.3", "n_train": "3000", "n_test": "3000"}
    assert [run.data.metrics[f"roc_auc{part}"] for part in ("", ".low", ".high")] == [auc.value, auc.low, auc.high]
    assert run.data.metrics["ceiling/roc_auc"] == auc.value
    model = _client(tracking_uri).get_logged_model(run.outputs.model_outputs[0].model_id)
    assert {metric.key: metric.value for metric in model.metrics} == run.data.metrics
    assert run.data.metrics["gain_over/base_rate"] == trained.evaluation.baselines["base_rate"].gain.value
    assert run.data.tags["data_fingerprint"] == "f" * 64
    assert run.data.tags["git_commit"] == "a1b2c3"
    assert run.data.tags["overridden_leak_alarms"] == "fee alone; overridden: agreed"
    assert run.data.tags["known_before"] == "2026-03-02T05:00:00+00:00"


def test_a_figure_that_could_not_be_measured_is_left_out(tracking_uri: str, artifacts: Path) -> None:
    trained = training()
    figures = trained.evaluation.figures | {"precision_at_flag": Figure(float("nan"))}
    silent = replace(trained, evaluation=replace(trained.evaluation, figures=figures))
    run = _client(tracking_uri).get_run(_register(silent, tracking_uri, artifacts).run_id)
    assert "precision_at_flag" not in run.data.metrics
    assert "recall_at_flag" in run.data.metrics


def test_a_run_has_far_fewer_than_a_hundred_metrics_however_much_was_measured() -> None:
    trained = training()
    baselines = {f"rule {n}": trained.evaluation.baselines["base_rate"] for n in range(4)}
    evaluation = replace(
        trained.evaluation,
        baselines=baselines,
        tutor_figures=trained.evaluation.figures,
        ceiling=trained.evaluation.figures,
    )
    assert len(metrics(evaluation)) < 65


def test_the_table_of_runs_opens_with_the_columns_that_matter(tracking_uri: str, artifacts: Path) -> None:
    _register(training(), tracking_uri, artifacts)
    path = runs_path(tracking_uri, artifacts.parent.name)
    experiment = _client(tracking_uri).get_experiment_by_name(artifacts.parent.name)
    key = path.rpartition("viewStateShareKey=")[2]
    assert path.startswith(f"/#/experiments/{experiment.experiment_id}/runs?")
    columns = json.loads(experiment.tags[f"mlflow.sharedViewState.{key}"])["selectedColumns"]
    assert "metrics.`roc_auc`" in columns
    assert len(columns) < 15


def test_plots_and_sidecar_lie_under_the_artifact_root(tracking_uri: str, artifacts: Path) -> None:
    trained = training()
    registered = _register(trained, tracking_uri, artifacts)
    folder = artifacts / registered.run_id / "artifacts"
    assert (folder / "reliability.png").read_bytes() == PNG
    kept = json.loads((folder / "sidecar.json").read_text())
    assert kept["model_sha256"] == trained.model.sidecar.model_sha256


def test_the_registered_model_is_the_trained_one_with_the_columns_names_in_its_signature(
    tracking_uri: str, artifacts: Path
) -> None:
    trained = training()
    registered = _register(trained, tracking_uri, artifacts)
    version = _client(tracking_uri).get_model_version(registered.name, registered.version)
    (logged,) = artifacts.glob("models/*/artifacts")
    booster = xgb.Booster(model_file=logged / "model.ubj")
    assert version.run_id == registered.run_id
    assert bytes(booster.save_raw("ubj")) == trained.model.ubj
    assert all(column in (logged / "MLmodel").read_text() for column in COLUMNS)


def test_each_training_becomes_the_next_version_and_moves_no_alias(tracking_uri: str, artifacts: Path) -> None:
    first, second = (_register(training(Task.CHURN), tracking_uri, artifacts) for _ in range(2))
    assert first.name == second.name == "churn"
    assert int(second.version) == int(first.version) + 1
    assert second.shown == f"churn/{second.version}"
    assert "champion" not in _client(tracking_uri).get_registered_model("churn").aliases


def test_aliases_follow_the_ledger_and_what_it_knows_is_marked(tracking_uri: str, artifacts: Path) -> None:
    first, second = (_register(training(), tracking_uri, artifacts) for _ in range(2))
    known = {first.version, second.version}
    settle(tracking_uri, "no_show", known, {"champion": first.version, "challenger": second.version}, NOW)
    client = _client(tracking_uri)
    assert {a: str(v) for a, v in client.get_registered_model("no_show").aliases.items()} == {
        "champion": first.version,
        "challenger": second.version,
    }
    assert client.get_model_version("no_show", first.version).tags["ledger"] == "recorded"
    settle(tracking_uri, "no_show", known, {"champion": second.version, "challenger": None}, NOW)
    aliases = client.get_registered_model("no_show").aliases
    assert {a: str(v) for a, v in aliases.items()} == {"champion": second.version}


def test_a_version_whose_training_died_is_deleted_an_hour_later_and_not_before(
    tracking_uri: str, artifacts: Path
) -> None:
    from mlflow import MlflowException

    client, lost = _client(tracking_uri), _register(training(), tracking_uri, artifacts)
    made = datetime.fromtimestamp(client.get_model_version("no_show", lost.version).creation_timestamp / 1e3, UTC)
    settle(tracking_uri, "no_show", set(), {}, made + timedelta(minutes=50))
    assert client.get_model_version("no_show", lost.version).tags["ledger"] == "pending"
    settle(tracking_uri, "no_show", set(), {}, made + timedelta(minutes=70))
    with pytest.raises(MlflowException, match="not found"):
        client.get_model_version("no_show", lost.version)


def test_a_discarded_version_is_gone_and_its_run_says_why(tracking_uri: str, artifacts: Path) -> None:
    client, made = _client(tracking_uri), _register(training(), tracking_uri, artifacts)
    discard(tracking_uri, made, "the database does not answer")
    assert made.version not in {str(v.version) for v in client.search_model_versions("name = 'no_show'")}
    assert client.get_run(made.run_id).data.tags["discarded"] == "the database does not answer"


def test_texts_lie_beside_the_run_and_the_decision_on_the_version(tracking_uri: str, artifacts: Path) -> None:
    made = _register(training(), tracking_uri, artifacts)
    attach(tracking_uri, made, {"model_card.md": "# Karte für no_show"}, "refused: no usable signal")
    assert (artifacts / made.run_id / "artifacts" / "model_card.md").read_text() == "# Karte für no_show"
    version = _client(tracking_uri).get_model_version("no_show", made.version)
    assert version.description.startswith("refused: no usable signal\n\n")


def test_mlflows_pages_say_that_the_ledger_decides_what_serves_and_how_to_change_it(
    tracking_uri: str, artifacts: Path
) -> None:
    made = _register(training(), tracking_uri, artifacts)
    attach(tracking_uri, made, {}, "champion")
    client = _client(tracking_uri)
    for page in (client.get_model_version("no_show", made.version), client.get_registered_model("no_show")):
        assert "The project's ledger determines which version of no_show serves, not this page" in page.description
        assert "`tqs models promote no_show/NUMBER`" in page.description


def test_a_registry_that_counts_from_1_again_goes_on_above_the_ledgers_last_number(
    registry_file: Path, tmp_path: Path
) -> None:
    fresh = f"sqlite:///{shutil.copy(registry_file, tmp_path)}"
    assert _register(training(), fresh, tmp_path / "artifacts", last_known=3).shown == "no_show/4"
    assert {str(v.version) for v in _client(fresh).search_model_versions("name = 'no_show'")} == {"4"}


def test_a_training_that_cannot_be_logged_leaves_no_version(tracking_uri: str, artifacts: Path) -> None:
    before = _register(training(), tracking_uri, artifacts)
    bad = replace(training(), sample=np.zeros((5, 3), np.float32))
    with pytest.raises(ValueError, match="Shape of passed values"):
        _register(bad, tracking_uri, artifacts)
    client = _client(tracking_uri)
    newest = client.search_model_versions("name = 'no_show'", max_results=1, order_by=["version_number DESC"])
    last = client.search_runs([client.get_run(before.run_id).info.experiment_id], order_by=["attributes.end_time DESC"])
    assert str(newest[0].version) == before.version
    assert last[0].info.status == "FAILED"


def test_under_mlflow_run_both_models_stand_below_its_run(
    tracking_uri: str, artifacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = _client(tracking_uri)
    parent = client.create_run(client.create_experiment("by hand", artifact_location=artifacts.as_uri()))
    monkeypatch.setenv("MLFLOW_RUN_ID", parent.info.run_id)
    for task in Task:
        registered = _register(training(task), tracking_uri, artifacts, parent_run_id=os.environ["MLFLOW_RUN_ID"])
        run = client.get_run(registered.run_id)
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert run.info.experiment_id == parent.info.experiment_id
    assert client.get_run(parent.info.run_id).info.status == "RUNNING"


@pytest.mark.usefixtures("unset_tracking")
def test_registering_leaves_no_address_in_the_environment(tracking_uri: str, artifacts: Path) -> None:
    _register(training(), tracking_uri, artifacts)
    assert "MLFLOW_TRACKING_URI" not in os.environ


@pytest.mark.parametrize("form", ["http://127.0.0.1:{}", "postgresql+psycopg2://me:secret@127.0.0.1:{}/mlflow"])
def test_a_registry_that_is_down_is_said_at_once_without_the_password(form: str, artifacts: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        uri = form.format(free.getsockname()[1])
        with pytest.raises(RegistryUnavailable, match=r"does not respond") as caught:
            _register(training(), uri, artifacts)
    assert "secret" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)
