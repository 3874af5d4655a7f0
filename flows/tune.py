"""Flow `tune`: search of XGBoost's parameters for later trainings, in one or several processes on one study."""

import argparse
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from prefect import flow
from prefect.cache_policies import NO_CACHE

from domain.errors import NotEnoughData
from domain.vocabulary import Task
from features.history.history import History
from features.source import source_sha256
from flows import standalone
from flows.score import load
from flows.tasks import task
from flows.train import request_of
from gateways.clock import utc_now
from gateways.embedded_postgres.databases import create_database
from gateways.registry import log_trials
from gateways.registry.tracking import parent_run
from jobs.progress import report
from jobs.runtime import Runtime, git_commit, open_runtime
from models.train.fitting import Request
from models.train.folds import TuningData, tuning_data
from models.train.tuning import Budget, Study, Tuned
from models.train.tuning import tune as run_trials
from store.ledger.tuned_parameters import TunedParams, record_tuned

EXPERIMENT = "tutor-quality tuning"
DATABASE = "optuna"


@dataclass(frozen=True)
class Search:
    """Parameters of a search: seconds, seed, processes, and the study's name."""

    budget: float
    seed: int
    workers: int
    study: str


@flow(name="tune", log_prints=True, timeout_seconds=7200)
def tune(
    task_name: str = "all",
    budget: float = 60,
    seed: int | None = None,
    workers: int = 1,
    study_name: str | None = None,
) -> dict[str, float]:
    """Tune `no_show`, `churn` or `all`, each for `budget` seconds. Returns the held-out log loss by task.

    `study_name` joins an existing study with the same data and seed, for example from another machine.
    Raises NotEnoughData if no task has enough finished history.
    """
    tasks = tuple(Task) if task_name == "all" else (Task(task_name),)
    with open_runtime(os.environ) as runtime:
        report("load the history")
        history, began = load(runtime), utc_now()
        seed = runtime.settings.seed if seed is None else seed
        losses: dict[str, float] = {}
        for name in tasks:
            search = Search(budget, seed, workers, study_name or f"{name} {began:%Y-%m-%d %H:%M:%S}")
            loss = _tune_one(runtime, name, history, search)
            losses |= {} if loss is None else {str(name): loss}
    if not losses:
        raise NotEnoughData("nothing could be tuned: see the lines above for what is missing")
    return losses


def _tune_one(runtime: Runtime, name: Task, history: History, search: Search) -> float | None:
    request = request_of(name, history, search.seed)
    began = utc_now()
    try:
        report(f"{name}: build the folds")
        data = tuning_data(request)
        report(f"{name}: search for {search.budget:.0f} s")
        tuned = run_search(data, create_database(_url(runtime), DATABASE), search)
    except NotEnoughData as error:
        print(f"{name}: not tuned. {error}")
        return None
    report(f"{name}: log the trials")
    save(runtime, request, search, tuned, began, utc_now())
    start = "" if tuned.start_loss is None else f", the defaults' {tuned.start_loss:.5f}"
    print(f"{name}: {len(tuned.trials)} trials of {search.study}, held-out log loss {tuned.loss:.5f}{start}")
    return tuned.loss


def _url(runtime: Runtime) -> str:
    return runtime.engine.url.render_as_string(hide_password=False)


def run_search(data: TuningData, storage: str, search: Search) -> Tuned:
    """Search in `search.workers` processes on one study. Returns their common result."""
    study, budget = Study(search.study, storage), Budget(search.budget, time.monotonic)
    if search.workers == 1:
        return run_trials(data, budget, search.seed, study)
    first = Budget(0, time.monotonic, trials=1)  # creates the study for the others and tries the start
    run_trials(data, first, search.seed, study)
    threads = max((os.cpu_count() or 1) // search.workers, 1)
    fresh = multiprocessing.get_context("spawn")  # a fork would inherit locks of threads that do not exist in it
    with ProcessPoolExecutor(search.workers, mp_context=fresh) as pool:
        seeds = range(search.seed + 1, search.seed + search.workers + 1)  # with equal seeds all would try the same
        with _ignoring_ctrl_c():
            done = [pool.submit(run_trials, data, budget, seed, study, threads) for seed in seeds]
        try:
            return max((each.result() for each in done), key=lambda tuned: len(tuned.trials))
        except KeyboardInterrupt:
            for process in multiprocessing.active_children():
                process.terminate()
            raise


@contextmanager
def _ignoring_ctrl_c() -> Iterator[None]:
    """Ignore Ctrl-C, also in processes started in the block: their parent ends them, and they print no traceback."""
    before = signal.getsignal(signal.SIGINT)
    if before is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@task(retries=1, retry_delay_seconds=10, timeout_seconds=900, cache_policy=NO_CACHE)
def save(runtime: Runtime, request: Request, search: Search, tuned: Tuned, began: datetime, now: datetime) -> None:
    """Log the trials in MLflow, then store the best parameters for the next training.

    Raises RegistryUnavailable, DatabaseUnavailable; in both cases nothing is stored.
    """
    name, sha256, seconds = request.task, source_sha256(), (now - began).total_seconds()
    mine = [trial for trial in tuned.trials if trial.began >= began]
    figures = {"log_loss": tuned.loss, "trials": float(len(tuned.trials)), "seconds": seconds}
    log_trials(
        mine,
        name=search.study,
        tags={"task": str(name), "data_fingerprint": request.fingerprint, "features_sha256": sha256, **_commit()},
        params={**tuned.params, "seed": search.seed, "workers": search.workers, "budget": search.budget},
        metrics=figures | ({} if tuned.start_loss is None else {"start_log_loss": tuned.start_loss}),
        tracking_uri=runtime.tracking_uri,
        artifact_root=runtime.artifacts,
        experiment=EXPERIMENT,
        began=began,
        ended=now,
        parent_run_id=parent_run(os.environ, Path.cwd()),
    )
    found = TunedParams(
        task=str(name),
        params=tuned.params,
        loss=tuned.loss,
        start_loss=tuned.start_loss,
        trials=len(tuned.trials),
        seconds=seconds,
        study=search.study,
        data_fingerprint=request.fingerprint,
        features_sha256=sha256,
        known_before=datetime.fromtimestamp(request.cut / 1e6, UTC),
        at=now,
    )
    record_tuned(runtime.engine, found)


def _commit() -> dict[str, str]:
    return {"git_commit": git_commit(Path(__file__).parent)}


def main() -> None:
    """Run the flow from the command line: `python -m flows.tune`, or MLproject's entry point `tune`."""
    parser = argparse.ArgumentParser(description=tune.__doc__)
    parser.add_argument("--task", default="all", choices=["all", *Task])
    parser.add_argument("--budget", type=float, default=60)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--study")
    arguments = parser.parse_args()
    standalone.main(
        tune,
        task_name=arguments.task,
        budget=arguments.budget,
        seed=arguments.seed,
        workers=arguments.workers,
        study_name=arguments.study,
    )


if __name__ == "__main__":
    main()
