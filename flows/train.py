"""Train both models, log them to MLflow, and make them champions."""

import argparse
import os
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from domain.errors import NotEnoughData
from domain.horizons import CHURN_HORIZON
from domain.vocabulary import Task
from features.dataset import fingerprint
from features.history import History
from flows import standalone
from flows.runtime import Runtime, git_commit, open_runtime
from flows.score import load
from gateways.clock import utc_now
from gateways.registry import register
from models.backtest import rows_of
from models.dataset import Rows, data_span, span
from models.evaluation import Evaluation
from models.plots import plots
from models.training import Request, Training
from models.training import train as fit
from models.truth import align
from store.models import record_model

TEST_WINDOW = timedelta(days=28)
EVERY = timedelta(days=7)
EXPERIMENT = "tutor-quality"


def cut_of(task_: Task, history: History) -> int:
    """The moment that leaves four weeks of finished outcomes for the test, and the label's horizon as the gap."""
    _, end = data_span(history)
    return end - span(TEST_WINDOW) - (span(CHURN_HORIZON) if task_ is Task.CHURN else 0)


def train_one(name: Task, history: History, seed: int, truth: pa.Table | None) -> Training:
    """Train and evaluate one task on a history; the true probabilities, if given, only for the ceiling."""
    cut = cut_of(name, history)
    rows = rows_of(name, history, CHURN_HORIZON, EVERY, cut)
    true_values = _true_values(name, truth, history, rows)
    return fit(Request(name, history, rows, cut, seed, fingerprint(history.dataset), true_values))


def _true_values(name: Task, truth: pa.Table | None, history: History, rows: Rows) -> NDArray[np.float64] | None:
    return None if truth is None else align(name, truth, history, rows)


@task(retries=1, retry_delay_seconds=10, timeout_seconds=900, cache_policy=NO_CACHE)
def save(runtime: Runtime, training: Training, now: datetime) -> str:
    """Register in MLflow, then record in our ledger what serves from now on. Gives the version."""
    registered = register(
        training,
        plots=plots(training),
        tracking_uri=runtime.tracking_uri,
        artifact_root=runtime.artifacts,
        experiment=EXPERIMENT,
        git_commit=git_commit(Path(__file__).parent),
        now=now,
        parent_run_id=os.environ.get("MLFLOW_RUN_ID"),
    )
    model = training.model
    version = f"{registered.name}/{registered.version}"
    record_model(
        runtime.engine,
        name=model.sidecar.task,
        version=version,
        model_bytes=model.ubj,
        sidecar=model.sidecar.model_dump(mode="json"),
        actor="train flow",
        reason="newest training",
        now=now,
    )
    return version


@flow(name="train", log_prints=True, timeout_seconds=3600)
def train(task_name: str = "all", seed: int | None = None, truth_file: str | None = None) -> dict[str, str]:
    """Train `no_show`, `churn` or `all`. Gives what was registered: a line in words by task.

    Raises NotEnoughData where none of the tasks has enough finished history.
    """
    tasks = tuple(Task) if task_name == "all" else (Task(task_name),)
    with open_runtime(os.environ) as runtime:
        history = load(runtime)
        truth = pq.read_table(truth_file) if truth_file else None
        found = {name: _train_and_save(runtime, name, history, seed, truth) for name in tasks}
    trained = {str(name): words for name, words in found.items() if words}
    if not trained:
        raise NotEnoughData("no model could be trained: see the lines above for what is missing")
    return trained


def _train_and_save(
    runtime: Runtime, name: Task, history: History, seed: int | None, truth: pa.Table | None
) -> str | None:
    try:
        training = train_one(name, history, runtime.settings.seed if seed is None else seed, truth)
    except NotEnoughData as error:
        print(f"{name}: not trained. {error}")
        return None
    words = f"{save(runtime, training, utc_now())} with ROC AUC {_in_words(training.evaluation)}"
    print(words)
    return words


def _in_words(evaluation: Evaluation) -> str:
    figure = evaluation.figures["roc_auc"]
    ceiling = f", ceiling {evaluation.ceiling['roc_auc'].value:.3f}" if evaluation.ceiling else ""
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f}{ceiling})"


def main() -> None:
    """`python -m flows.train`, and MLproject's entry point `train`."""
    parser = argparse.ArgumentParser(description=train.__doc__)
    parser.add_argument("--task", default="all", choices=["all", *Task])
    parser.add_argument("--seed", type=int)
    arguments = parser.parse_args()
    standalone.main(train, task_name=arguments.task, seed=arguments.seed)


if __name__ == "__main__":
    main()
