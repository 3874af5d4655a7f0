import json
import os
import socket
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import xgboost as xgb
from numpy.typing import NDArray

from domain.errors import RegistryUnavailable
from domain.vocabulary import Task
from features.priors import Prior, Priors
from gateways.registry import RegisteredVersion, prepare, register
from models.artifact import Model, seal
from models.calibration import Calibration
from models.evaluation import Evaluation, Figure, curves, figures_with_intervals

# MLflow 3.17 uses a loader that SQLAlchemy 2.1 calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")

NOW = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
COLUMNS = ("no_show_rate", "silence_hours", "weekday")
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Trained:
    model: Model
    evaluation: Evaluation
    sample: NDArray[np.float32]
    n_train: int = 500
    params: dict[str, float | int | str] = field(default_factory=lambda: {"rounds": 5, "eta": 0.1})


def _model(task: Task, columns: NDArray[np.float32], labels: NDArray[np.float64]) -> Model:
    prior = Prior(rate=0.1, strength=10)
    return seal(
        xgb.train({"objective": "binary:logistic"}, xgb.DMatrix(columns, labels), num_boost_round=5),
        task=task,
        features=COLUMNS,
        attributes=(),
        priors=Priors(no_show=prior, slot_no_show=prior, reschedule=prior),
        calibration=Calibration(),
        base_rate=0.3,
        typical=(0.1, 12.0, 3.0),
        known_before=NOW,
        data_fingerprint="f" * 64,
    )


def _trained(task: Task = Task.NO_SHOW) -> Trained:
    rng = np.random.default_rng(0)
    columns = rng.random((500, 3)).astype(np.float32)
    labels = (rng.random(500) < columns[:, 0]).astype(np.float64)
    model = _model(task, columns, labels)
    scores = model.probabilities(columns)
    found = figures_with_intervals(labels, scores, rng.integers(0, 50, 500), 0, 20)
    found["precision_at_flag"] = Figure(float("nan"))
    evaluation = Evaluation(500, float(labels.mean()), found, curves(labels, scores), ceiling={"roc_auc": Figure(0.9)})
    return Trained(model, evaluation, columns[:5])


@pytest.fixture(scope="module")
def tracking_uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    uri = f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"
    prepare(uri)
    return uri


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    return tmp_path / "artifacts"


@pytest.fixture
def unset_tracking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def _register(training: Trained, uri: str, artifacts: Path, **more: str) -> RegisteredVersion:
    where = {"experiment": artifacts.parent.name, "git_commit": "a1b2c3", **more}
    return register(training, plots={"reliability": PNG}, tracking_uri=uri, artifact_root=artifacts, now=NOW, **where)  # type: ignore[arg-type]


def _client(uri: str):  # type: ignore[no-untyped-def]
    from mlflow import MlflowClient

    return MlflowClient(uri)


def test_a_run_keeps_parameters_figures_and_where_the_model_comes_from(tracking_uri: str, artifacts: Path) -> None:
    training = _trained()
    run = _client(tracking_uri).get_run(_register(training, tracking_uri, artifacts).run_id)
    auc = training.evaluation.figures["roc_auc"]
    assert run.info.status == "FINISHED"
    assert run.data.params == {"rounds": "5", "eta": "0.1", "n_train": "500", "n_test": "500"}
    assert [run.data.metrics[f"roc_auc{part}"] for part in ("", ".low", ".high")] == [auc.value, auc.low, auc.high]
    assert run.data.metrics["ceiling/roc_auc"] == 0.9
    assert run.data.tags["data_fingerprint"] == "f" * 64
    assert run.data.tags["git_commit"] == "a1b2c3"
    assert run.data.tags["known_before"] == "2026-03-02T05:00:00+00:00"


def test_a_figure_that_could_not_be_measured_is_left_out(tracking_uri: str, artifacts: Path) -> None:
    run = _client(tracking_uri).get_run(_register(_trained(), tracking_uri, artifacts).run_id)
    assert "precision_at_flag" not in run.data.metrics
    assert "ceiling/roc_auc.low" not in run.data.metrics


def test_plots_and_sidecar_lie_under_the_artifact_root(tracking_uri: str, artifacts: Path) -> None:
    training = _trained()
    registered = _register(training, tracking_uri, artifacts)
    folder = artifacts / registered.run_id / "artifacts"
    assert (folder / "reliability.png").read_bytes() == PNG
    kept = json.loads((folder / "sidecar.json").read_text())
    assert kept["model_sha256"] == training.model.sidecar.model_sha256


def test_the_registered_model_is_the_trained_one_with_the_columns_names_in_its_signature(
    tracking_uri: str, artifacts: Path
) -> None:
    training = _trained()
    registered = _register(training, tracking_uri, artifacts)
    version = _client(tracking_uri).get_model_version(registered.name, registered.version)
    (logged,) = artifacts.glob("models/*/artifacts")
    booster = xgb.Booster(model_file=logged / "model.ubj")
    assert version.run_id == registered.run_id
    assert bytes(booster.save_raw("ubj")) == training.model.ubj
    assert all(column in (logged / "MLmodel").read_text() for column in COLUMNS)


def test_each_training_becomes_the_next_version_and_the_champion(tracking_uri: str, artifacts: Path) -> None:
    first, second = (_register(_trained(Task.CHURN), tracking_uri, artifacts) for _ in range(2))
    champion = _client(tracking_uri).get_model_version_by_alias("churn", "champion")
    assert first.name == second.name == "churn"
    assert int(second.version) == int(first.version) + 1
    assert str(champion.version) == second.version


def test_a_training_that_cannot_be_logged_moves_nothing(tracking_uri: str, artifacts: Path) -> None:
    before = _register(_trained(), tracking_uri, artifacts)
    bad = replace(_trained(), sample=np.zeros((5, 2), np.float32))
    with pytest.raises(ValueError, match="Shape of passed values"):
        _register(bad, tracking_uri, artifacts)
    client = _client(tracking_uri)
    champion = client.get_model_version_by_alias("no_show", "champion")
    newest = client.search_model_versions("name = 'no_show'", max_results=1, order_by=["version_number DESC"])
    last = client.search_runs([client.get_run(before.run_id).info.experiment_id], order_by=["attributes.end_time DESC"])
    assert str(champion.version) == str(newest[0].version) == before.version
    assert last[0].info.status == "FAILED"


def test_under_mlflow_run_both_models_stand_below_its_run(
    tracking_uri: str, artifacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = _client(tracking_uri)
    parent = client.create_run(client.create_experiment("by hand", artifact_location=artifacts.as_uri()))
    monkeypatch.setenv("MLFLOW_RUN_ID", parent.info.run_id)
    for task in Task:
        registered = _register(_trained(task), tracking_uri, artifacts, parent_run_id=os.environ["MLFLOW_RUN_ID"])
        run = client.get_run(registered.run_id)
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert run.info.experiment_id == parent.info.experiment_id
    assert client.get_run(parent.info.run_id).info.status == "RUNNING"


@pytest.mark.usefixtures("unset_tracking")
def test_registering_leaves_no_address_in_the_environment(tracking_uri: str, artifacts: Path) -> None:
    _register(_trained(), tracking_uri, artifacts)
    assert "MLFLOW_TRACKING_URI" not in os.environ


@pytest.mark.parametrize("form", ["http://127.0.0.1:{}", "postgresql+psycopg2://me:secret@127.0.0.1:{}/mlflow"])
def test_a_registry_that_is_down_is_said_at_once_without_the_password(form: str, artifacts: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        uri = form.format(free.getsockname()[1])
        with pytest.raises(RegistryUnavailable, match=r"does not answer") as caught:
            _register(_trained(), uri, artifacts)
    assert "secret" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)
