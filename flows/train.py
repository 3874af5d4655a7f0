"""Flow `train`: trains both models and submits each to the gate."""

import argparse
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
from prefect import flow
from prefect.cache_policies import NO_CACHE

from domain.errors import NotEnoughData
from domain.horizons import CHURN_HORIZON
from domain.vocabulary import Task
from features.base.dataset import fingerprint
from features.history.history import History
from flows import standalone
from flows.recorded import recorded
from flows.score import load
from flows.tasks import task
from gateways.clock import utc_now
from gateways.registry import prepare
from jobs.progress import report
from jobs.promotion import Promotion, save
from jobs.runtime import Runtime, open_runtime
from models.evaluate.metrics import Evaluation
from models.examples.rows import data_span, span
from models.examples.simulated_truth import align, of_sessions
from models.learners.boosting import Params
from models.train.backtest import rows_of
from models.train.fitting import Request
from models.train.training import Training
from models.train.training import train as fit
from store.ledger.tuned_parameters import newest_tuned

TEST_WINDOW = timedelta(days=28)
EVERY = timedelta(days=7)


def cut_of(task_: Task, history: History) -> int:
    """Cut of a training (UTC microseconds): four weeks of held-out rows after it, and the label's horizon as gap."""
    _, end = data_span(history)
    return end - span(TEST_WINDOW) - (span(CHURN_HORIZON) if task_ is Task.CHURN else 0)


def train_one(
    name: Task,
    history: History,
    seed: int,
    truth: pa.Table | None,
    params: Params | None = None,
    confirmed: Mapping[str, str] | None = None,
) -> Training:
    """Train and evaluate one task on a history; true probabilities, if given, are used only for the ceilings."""
    request = replace(request_of(name, history, seed, truth, params), confirmed=confirmed or {})
    return fit(replace(request, on_step=lambda step: report(f"{name}: {step}")))


def request_of(
    name: Task, history: History, seed: int, truth: pa.Table | None = None, params: Params | None = None
) -> Request:
    """Request for a training or tuning on a history, with the same rows and cut for both."""
    cut = cut_of(name, history)
    rows = rows_of(name, history, CHURN_HORIZON, EVERY, cut)
    true, of_each = (None, None) if truth is None else (align(name, truth, history, rows), of_sessions(truth, history))
    return Request(
        name,
        history,
        rows,
        cut,
        seed,
        fingerprint(history.dataset),
        truth=true,
        session_truth=of_each,
        params=params or {},
        every=EVERY,
    )


@flow(name="train", log_prints=True, timeout_seconds=3600)
@recorded
def train(
    task_name: str = "all",
    seed: int | None = None,
    truth_file: str | None = None,
    params: str = "tuned",
    confirmed: dict[str, str] | None = None,
) -> dict[str, str]:
    """Train `no_show`, `churn` or `all`. Returns a sentence about the registered version by task.

    `params`: `tuned` for the newest tuned parameters, if there are any, or `default`. `confirmed`: the reasons
    by which leak alarms about columns are overridden.

    Raises NotEnoughData if no task has enough finished history, RegistryUnavailable, LeakSuspected.
    """
    tasks = tuple(Task) if task_name == "all" else (Task(task_name),)
    with open_runtime(os.environ) as runtime:
        prepare(runtime.tracking_uri)  # fails now, not after minutes of training, if the registry is unavailable
        report("load the history")
        history = load(runtime)
        truth = pq.read_table(truth_file) if truth_file else None
        found = {name: _train_and_save(runtime, name, history, seed, truth, params, confirmed) for name in tasks}
    trained = {str(name): words for name, words in found.items() if words}
    if not trained:
        raise NotEnoughData("no model could be trained: see the lines above for what is missing")
    return trained


@task(retries=1, retry_delay_seconds=10, timeout_seconds=900, cache_policy=NO_CACHE)
def _save(runtime: Runtime, training: Training, history: History, seed: int, now: datetime) -> Promotion:
    return save(runtime, training, history, seed, now)


def _train_and_save(
    runtime: Runtime,
    name: Task,
    history: History,
    seed: int | None,
    truth: pa.Table | None,
    params: str,
    confirmed: Mapping[str, str] | None,
) -> str | None:
    seed = runtime.settings.seed if seed is None else seed
    try:
        tuned = _chosen(runtime, name, history) if params == "tuned" else None
        training = train_one(name, history, seed, truth, tuned, confirmed)
    except NotEnoughData as error:
        print(f"{name}: not trained. {error}")
        return None
    report(f"{name}: apply the gate and register the model")
    promotion = _save(runtime, training, history, seed, utc_now())
    words = f"{promotion.words}. ROC AUC {_in_words(training.evaluation)}"
    print(words)
    return words


def _chosen(runtime: Runtime, name: Task, history: History) -> Params | None:
    """The newest tuned parameters whose search used no held-out rows; None if there are none."""
    cut = datetime.fromtimestamp(cut_of(name, history) / 1e6, UTC)
    tuned = newest_tuned(runtime.engine, name, cut)
    if tuned is None:
        return None
    print(f"{name}: parameters of {tuned.study} ({tuned.trials} trials, held-out log loss {tuned.loss:.5f})")
    return dict(tuned.params)


def _in_words(evaluation: Evaluation) -> str:
    figure = evaluation.figures["roc_auc"]
    ceiling = f", ceiling {evaluation.ceiling['roc_auc'].value:.3f}" if evaluation.ceiling else ""
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f}{ceiling})"


def main() -> None:
    """Run the flow from the command line: `python -m flows.train`, or MLproject's entry point `train`."""
    parser = argparse.ArgumentParser(description=train.__doc__)
    parser.add_argument("--task", default="all", choices=["all", *Task])
    parser.add_argument("--seed", type=int)
    parser.add_argument("--params", default="tuned", choices=["tuned", "default"])
    arguments = parser.parse_args()
    standalone.main(train, task_name=arguments.task, seed=arguments.seed, params=arguments.params)


if __name__ == "__main__":
    main()
