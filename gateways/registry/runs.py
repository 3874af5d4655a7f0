"""A training as an MLflow run: parameters, headline metrics, plots, sidecar, and a registered model version."""

import json
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from math import isfinite
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gateways.registry.connection import RegisteredVersion, connected, tracking
from gateways.registry.table import offer_view
from gateways.registry.versions import PENDING, STATE, WHO_DECIDES

HEADLINE = ("roc_auc", "pr_auc", "brier_skill", "ece", "precision_at_flag", "recall_at_flag", "lift_at_flag")
"""Metrics logged on a run. The full evaluation is in the run's artifact evaluation.json."""

_LONGEST_TAG = 5000
_TOO_LONG = frozenset({"monotone_constraints"})  # one sign per column; stored in the sidecar


class Trained(Protocol):
    """Interface of a training; `models.train.training.Training` implements it and cannot be imported here."""

    @property
    def model(self) -> Any:
        """Model with `booster` and `sidecar`."""

    @property
    def evaluation(self) -> Any:
        """Evaluation figures by name, each with value, low and high."""

    @property
    def n_train(self) -> int:
        """Number of training rows."""

    @property
    def params(self) -> Mapping[str, float | int | str]:
        """Training parameters."""

    @property
    def sample(self) -> NDArray[np.float32]:
        """A few rows of the feature matrix, for the model signature."""


def register(
    training: Trained,
    *,
    plots: Mapping[str, bytes],
    tracking_uri: str,
    artifact_root: Path,
    experiment: str,
    git_commit: str,
    now: datetime,
    parent_run_id: str | None = None,
    last_known: int = 0,
) -> RegisteredVersion:
    """Log a training as one run and register its model as the next version of the task's name; moves no alias.

    `plots` are PNG bytes by name. `artifact_root` holds a new experiment's files, unless a tracking server (http) has
    its own location. `parent_run_id` (MLFLOW_RUN_ID, set by `mlflow run`) becomes the run's parent, since one
    `mlflow run` may train several models. `last_known` is the highest version number in the ledger: the new version's
    number is above it, even if the registry has restarted at 1.
    The version is created last and marked pending until the ledger records it: an earlier failure leaves a run marked
    FAILED and no version. Raises RegistryUnavailable.
    """
    with connected(tracking_uri) as (mlflow, client), tracking(mlflow, tracking_uri):
        experiment_id = experiment_of(client, experiment, artifact_root, parent_run_id)
        offer_view(client, experiment_id)
        run_id = _begin(client, training, experiment_id, now)
        with mlflow.start_run(run_id=run_id):
            # Before the metrics: MLflow logs a run's existing metrics again when it logs the model, which the
            # database rejects with an ERROR in its log.
            model_id = _log_model(mlflow, training)
            _log(mlflow, client, run_id, model_id, training, plots, _tags(training, git_commit, parent_run_id), now)
        name = str(training.model.sidecar.task)
        version = _version(mlflow, client, name, model_id, run_id, git_commit, last_known)
        return RegisteredVersion(name, version, run_id)


def experiment_of(client: Any, name: str, artifact_root: Path, parent_run_id: str | None) -> str:
    """Id of the experiment, created if missing; with a parent run, the id of the parent's experiment."""
    if parent_run_id:
        return str(client.get_run(parent_run_id).info.experiment_id)
    experiment = client.get_experiment_by_name(name)
    if experiment:
        return str(experiment.experiment_id)
    remote = urlsplit(client.tracking_uri).scheme.startswith("http")
    place = None if remote else artifact_root.resolve().as_uri()
    return str(client.create_experiment(name, artifact_location=place))


def _begin(client: Any, training: Trained, experiment_id: str, now: datetime) -> str:
    name = f"{training.model.sidecar.task} {now:%Y-%m-%d %H:%M}"
    milliseconds = int(now.timestamp() * 1000)
    return str(client.create_run(experiment_id, start_time=milliseconds, run_name=name).info.run_id)


def _tags(training: Trained, git_commit: str, parent_run_id: str | None) -> dict[str, str]:
    sidecar = training.model.sidecar
    tags = {
        "task": str(sidecar.task),
        "data_fingerprint": sidecar.data_fingerprint,
        "features_sha256": sidecar.features_sha256,
        "known_before": sidecar.known_before.isoformat(),
        "model_sha256": sidecar.model_sha256,
        "git_commit": git_commit,
        "mlflow.source.git.commit": git_commit,
    }
    if overridden := "; ".join(training.evaluation.overridden):
        tags["overridden_leak_alarms"] = overridden[:_LONGEST_TAG]
    return tags | ({"mlflow.parentRunId": parent_run_id} if parent_run_id else {})


def _log(
    mlflow: ModuleType,
    client: Any,
    run_id: str,
    model_id: str,
    training: Trained,
    plots: Mapping[str, bytes],
    tags: Mapping[str, str],
    now: datetime,
) -> None:
    milliseconds = int(now.timestamp() * 1000)
    figures = metrics(training.evaluation).items()
    params = {**training.params, "n_train": training.n_train, "n_test": training.evaluation.n_test}
    client.log_batch(
        run_id,
        metrics=[mlflow.entities.Metric(k, v, milliseconds, 0, model_id=model_id) for k, v in figures],
        params=[mlflow.entities.Param(k, str(v)) for k, v in params.items() if k not in _TOO_LONG],
        tags=[mlflow.entities.RunTag(k, v) for k, v in tags.items()],
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, png in plots.items():
            Path(folder, f"{name}.png").write_bytes(png)
        sidecar = training.model.sidecar.model_dump(mode="json")
        Path(folder, "sidecar.json").write_text(json.dumps(sidecar, indent=1))
        client.log_artifacts(run_id, folder)


def metrics(evaluation: Any) -> dict[str, float]:
    """Headline metrics as `name`, `name.low` and `name.high`, in groups: ceiling, tutors, gains over baselines."""
    gains = {name: baseline.gain for name, baseline in evaluation.baselines.items()}
    values = {"base_rate": evaluation.base_rate} | _intervals("", _headline(evaluation.figures))
    values |= _intervals("tutor_14d/", _headline(evaluation.tutor_figures)) | _intervals("gain_over/", gains)
    values |= {f"ceiling/{name}": f.value for name, f in _headline(evaluation.ceiling or {}).items()}
    return {name.replace("%", "pct"): value for name, value in values.items() if isfinite(value)}


def _headline(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {name: figures[name] for name in HEADLINE if name in figures}


def _intervals(group: str, figures: Mapping[str, Any]) -> dict[str, float]:
    parts = {"": "value", ".low": "low", ".high": "high"}
    return {f"{group}{name}{part}": getattr(f, field) for name, f in figures.items() for part, field in parts.items()}


def _log_model(mlflow: ModuleType, training: Trained) -> str:
    """Log the booster as a model of the active run; returns the model's id."""
    sidecar, read = training.model.sidecar, training.sample
    columns = list(sidecar.columns)
    if sidecar.periods:  # the trees of a hazard model also read the period
        columns, read = [*columns, "period"], np.column_stack([read, np.zeros(len(read), np.float32)])
    frame = pd.DataFrame(read, columns=columns)
    predicted = training.model.booster.inplace_predict(read)
    info = mlflow.xgboost.log_model(
        training.model.booster,
        name=str(sidecar.task),
        signature=mlflow.models.infer_signature(frame, predicted),
        pip_requirements=_requirements(),  # MLflow would take 10 s to infer them
    )
    return str(info.model_id)


def _requirements() -> list[str]:
    try:
        xgboost = f"xgboost-cpu=={version('xgboost-cpu')}"
    except PackageNotFoundError:
        xgboost = f"xgboost=={version('xgboost')}"
    return [f"mlflow=={version('mlflow')}", xgboost, f"numpy=={version('numpy')}"]


def _version(
    mlflow: ModuleType, client: Any, name: str, model_id: str, run_id: str, git_commit: str, last_known: int
) -> str:
    """Create the next version of a model, pending until the ledger records it; returns the version number."""
    if not client.search_registered_models(f"name = '{name}'", max_results=1):
        with suppress(mlflow.exceptions.RestException):  # created by another training at the same time
            client.create_registered_model(name, description=WHO_DECIDES.format(name=name))
    tags = {"git_commit": git_commit, STATE: PENDING}
    while True:
        new = client.create_model_version(name, f"models:/{model_id}", run_id, tags=tags, model_id=model_id)
        if int(new.version) > last_known:
            return str(new.version)
        client.delete_model_version(name, new.version)  # the ledger already has an earlier version with this number
