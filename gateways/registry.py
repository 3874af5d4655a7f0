"""MLflow: what a training was and gave, kept where people can look, and its model under a name and a version."""

import json
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from math import isfinite
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, Protocol
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.errors import RegistryUnavailable
from gateways.reachability import check_reachable, shown

ALIAS = "champion"


class Trained(Protocol):
    """What a training hands over. `models.training.Training` is one; this room may not import that one."""

    @property
    def model(self) -> Any:
        """The model, with `booster` and `sidecar`."""

    @property
    def evaluation(self) -> Any:
        """The figures by name, each with value, low and high."""

    @property
    def n_train(self) -> int:
        """Rows trained on."""

    @property
    def params(self) -> Mapping[str, float | int | str]:
        """What the trainer was told."""

    @property
    def sample(self) -> NDArray[np.float32]:
        """A few rows of the matrix, for the signature."""


@dataclass(frozen=True)
class RegisteredVersion:
    """A model in the registry: the task's name, its version there, and the run that made it."""

    name: str
    version: str
    run_id: str


def prepare(tracking_uri: str) -> None:
    """Make or migrate MLflow's tables, which takes seconds in a fresh database; later calls only look.

    MLflow migrates with Alembic, whose context is one to a process: do not run another migration beside it in a
    thread. Raises RegistryUnavailable.
    """
    mlflow = _mlflow()
    with _answering(mlflow, tracking_uri):
        mlflow.MlflowClient(tracking_uri).search_experiments(max_results=1)


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
) -> RegisteredVersion:
    """Log a training as one run, register its model under the task's name, and make that version the champion.

    The plots are PNG bytes by name. `artifact_root` is where a new experiment's files go, unless a tracking server
    (http) has its own place. `parent_run_id` (MLFLOW_RUN_ID, which `mlflow run` sets) becomes the run's parent, since
    one call of `mlflow run` may train several models. The version is made last, and the alias after it: a failure
    before leaves a run marked FAILED and the old champion. Raises RegistryUnavailable.
    """
    mlflow = _mlflow()
    with _answering(mlflow, tracking_uri), _tracking(mlflow, tracking_uri):
        client = mlflow.MlflowClient(tracking_uri)
        run_id = _begin(client, training, _experiment(client, experiment, artifact_root, parent_run_id), now)
        with mlflow.start_run(run_id=run_id):
            _log(mlflow, client, run_id, training, plots, _tags(training, git_commit, parent_run_id), now)
            model_id = _log_model(mlflow, training)
            name = str(training.model.sidecar.task)
            return RegisteredVersion(name, _promote(client, name, model_id, run_id, git_commit), run_id)


_QUIET = MappingProxyType(
    {
        "MLFLOW_DISABLE_TELEMETRY": "true",  # read while it is imported
        "MLFLOW_UV_AUTO_DETECT": "false",  # or it copies the lock file of whatever folder we stand in
    }
)


def _mlflow() -> Any:
    """MLflow, imported late: it must first be told to keep quiet, and takes seconds not every flow should pay."""
    os.environ.update(_QUIET)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about type hints in its own code
        import mlflow
        import mlflow.pyfunc
        import mlflow.xgboost
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("mlflow.utils.environment").setLevel(logging.ERROR)  # uv's environments have no pip
    return mlflow


@contextmanager
def _answering(mlflow: ModuleType, tracking_uri: str) -> Iterator[None]:
    check_reachable(tracking_uri)
    try:
        yield
    except mlflow.MlflowException as error:
        raise RegistryUnavailable(f"MLflow at {shown(tracking_uri)} refused: {error.message}") from error


@contextmanager
def _tracking(mlflow: ModuleType, tracking_uri: str) -> Iterator[None]:
    """MLflow logs models through a process-wide setting, and changes its variables on the way: undo both after."""
    before = {name: os.environ.get(name) for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID")}
    mlflow.set_tracking_uri(tracking_uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before["MLFLOW_TRACKING_URI"])
        os.environ.update({name: value for name, value in before.items() if value is not None})


def _experiment(client: Any, name: str, artifact_root: Path, parent_run_id: str | None) -> str:
    if parent_run_id:
        return str(client.get_run(parent_run_id).info.experiment_id)
    found = client.get_experiment_by_name(name)
    if found:
        return str(found.experiment_id)
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
        "known_before": sidecar.known_before.isoformat(),
        "model_sha256": sidecar.model_sha256,
        "git_commit": git_commit,
        "mlflow.source.git.commit": git_commit,
    }
    return tags | ({"mlflow.parentRunId": parent_run_id} if parent_run_id else {})


def _log(
    mlflow: ModuleType,
    client: Any,
    run_id: str,
    training: Trained,
    plots: Mapping[str, bytes],
    tags: Mapping[str, str],
    now: datetime,
) -> None:
    milliseconds = int(now.timestamp() * 1000)
    params = {**training.params, "n_train": training.n_train, "n_test": training.evaluation.n_test}
    client.log_batch(
        run_id,
        metrics=[mlflow.entities.Metric(k, v, milliseconds, 0) for k, v in metrics(training.evaluation).items()],
        params=[mlflow.entities.Param(k, str(v)) for k, v in params.items()],
        tags=[mlflow.entities.RunTag(k, v) for k, v in tags.items()],
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, png in plots.items():
            Path(folder, f"{name}.png").write_bytes(png)
        sidecar = training.model.sidecar.model_dump(mode="json")
        Path(folder, "sidecar.json").write_text(json.dumps(sidecar, indent=1))
        client.log_artifacts(run_id, folder)


def metrics(evaluation: Any) -> dict[str, float]:
    """Every figure as `name`, `name.low` and `name.high`; those of the ceiling and of tutors in groups of their own."""
    groups = {
        "": evaluation.figures,
        "ceiling/": evaluation.ceiling or {},
        "tutor_14d/": evaluation.tutor_figures,
    }
    found = {"base_rate": evaluation.base_rate}
    for group, figures in groups.items():
        for name, figure in figures.items():
            values = {"": figure.value, ".low": figure.low, ".high": figure.high}
            found |= {f"{group}{name}{part}": value for part, value in values.items() if isfinite(value)}
    return found


def _log_model(mlflow: ModuleType, training: Trained) -> str:
    """Log the trees as a model of the active run; gives the model's id."""
    frame = pd.DataFrame(training.sample, columns=list(training.model.sidecar.columns))
    predicted = training.model.booster.inplace_predict(training.sample)
    info = mlflow.xgboost.log_model(
        training.model.booster,
        name=str(training.model.sidecar.task),
        signature=mlflow.models.infer_signature(frame, predicted),
        pip_requirements=_requirements(),  # left to itself, MLflow spends 10 s finding out
    )
    return str(info.model_id)


def _requirements() -> list[str]:
    try:
        xgboost = f"xgboost-cpu=={version('xgboost-cpu')}"
    except PackageNotFoundError:
        xgboost = f"xgboost=={version('xgboost')}"
    return [f"mlflow=={version('mlflow')}", xgboost, f"numpy=={version('numpy')}"]


def _promote(client: Any, name: str, model_id: str, run_id: str, git_commit: str) -> str:
    """Make the next version of a model and let the alias point to it; gives the version."""
    if not client.search_registered_models(f"name = '{name}'", max_results=1):
        client.create_registered_model(name)
    tags = {"git_commit": git_commit}
    made = client.create_model_version(name, f"models:/{model_id}", run_id, tags=tags, model_id=model_id)
    client.set_registered_model_alias(name, ALIAS, made.version)
    return str(made.version)
