"""A parameter search as an MLflow run, with one nested run per trial."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from gateways.registry.connection import connected
from gateways.registry.runs import experiment_of

_STATUS = {"complete": "FINISHED", "pruned": "KILLED"}
"""MLflow's run status by state of a trial; any other state becomes FAILED."""


class TriedOut(Protocol):
    """Interface of a trial; `models.train.tuning.Trial` implements it and cannot be imported here."""

    @property
    def number(self) -> int:
        """Number in the study, from 0."""

    @property
    def params(self) -> Mapping[str, float | int | str]:
        """Parameters of the trial."""

    @property
    def loss(self) -> float | None:
        """Held-out log loss; None if the trial was abandoned."""

    @property
    def rounds(self) -> int:
        """Best boosting round."""

    @property
    def state(self) -> str:
        """`complete`, `pruned` or `fail`."""

    @property
    def began(self) -> datetime:
        """Start time."""

    @property
    def seconds(self) -> float:
        """Duration in seconds."""


def log_trials(
    trials: Sequence[TriedOut],
    *,
    name: str,
    tags: Mapping[str, str],
    params: Mapping[str, float | int | str],
    metrics: Mapping[str, float],
    tracking_uri: str,
    artifact_root: Path,
    experiment: str,
    began: datetime,
    ended: datetime,
    parent_run_id: str | None = None,
) -> str:
    """Log a search with its best parameters, metrics and trials; returns the run's id.

    `parent_run_id` and `artifact_root` are as in `register`. The run is marked FINISHED last: a run without that status
    was interrupted. Raises RegistryUnavailable.
    """
    with connected(tracking_uri) as (mlflow, client):
        experiment_id = experiment_of(client, experiment, artifact_root, parent_run_id)
        parent = {"mlflow.parentRunId": parent_run_id} if parent_run_id else {}
        run_id = _begin(client, experiment_id, name, began, {**tags, **parent})
        _fill(mlflow, client, run_id, params, metrics, ended)
        for trial in trials:
            _log_trial(mlflow, client, experiment_id, run_id, trial)
        client.set_terminated(run_id, "FINISHED", _milliseconds(ended))
        return run_id


def _log_trial(mlflow: Any, client: Any, experiment_id: str, parent: str, trial: TriedOut) -> None:
    ended = trial.began + timedelta(seconds=trial.seconds)
    tags = {"mlflow.parentRunId": parent, "state": trial.state}
    figures = {"seconds": trial.seconds}
    if trial.loss is not None:
        figures |= {"log_loss": trial.loss, "rounds": float(trial.rounds)}
    run_id = _begin(client, experiment_id, f"trial {trial.number}", trial.began, tags)
    _fill(mlflow, client, run_id, trial.params, figures, ended)
    client.set_terminated(run_id, _STATUS.get(trial.state, "FAILED"), _milliseconds(ended))


def _begin(client: Any, experiment_id: str, name: str, began: datetime, tags: Mapping[str, str]) -> str:
    run = client.create_run(experiment_id, start_time=_milliseconds(began), tags=dict(tags), run_name=name)
    return str(run.info.run_id)


def _fill(
    mlflow: Any,
    client: Any,
    run_id: str,
    params: Mapping[str, float | int | str],
    metrics: Mapping[str, float],
    at: datetime,
) -> None:
    client.log_batch(
        run_id,
        metrics=[mlflow.entities.Metric(k, v, _milliseconds(at), 0) for k, v in metrics.items()],
        params=[mlflow.entities.Param(k, str(v)) for k, v in params.items()],
    )


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
