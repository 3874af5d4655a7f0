"""Tuning on a small problem: purged folds, search, budget, a study shared by processes, stored parameters."""

import multiprocessing
import os
import shutil
import signal
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine

from domain.errors import RegistryUnavailable
from domain.vocabulary import Task
from flows.tune import Search, run_search
from gateways.embedded_postgres.databases import empty_database
from gateways.registry import log_trials
from models.learners.boosting import Shape
from models.train.fitting import DEFAULT_PARAMS
from models.train.tuning import MOST_ROUNDS, SPACE, Budget, Study, Trial, open_study, tune
from store.ledger.tuned_parameters import TunedParams, newest_tuned, record_tuned
from tests.lib.tuning_problem import problem

NOW = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
FOREVER = Budget(1e9, time.monotonic, trials=6)


@pytest.fixture
def studies_url(server_url: str) -> str:
    """A separate database, because Optuna's tables have their own migrations."""
    return empty_database(server_url, "studies")


def test_the_best_trial_is_no_worse_than_the_defaults_which_are_tried_first() -> None:
    found = tune(problem(), FOREVER, seed=1)
    start = found.trials[0].params
    assert start["eta"] == DEFAULT_PARAMS[Task.NO_SHOW]["eta"]
    assert found.start_loss is not None
    assert found.loss <= found.start_loss == found.trials[0].loss
    assert found.loss == min(trial.loss for trial in found.trials if trial.loss is not None)
    assert set(SPACE) < set(found.params)
    assert 0 < int(found.params["rounds"]) <= MOST_ROUNDS * 1.25 + 30
    assert found.params["objective"] == "binary:logistic"


def test_the_same_seed_tries_the_same_and_another_seed_something_else() -> None:
    ours, again, other = (tune(problem(), FOREVER, seed=seed) for seed in (1, 1, 2))
    assert [(t.params, t.loss) for t in ours.trials] == [(t.params, t.loss) for t in again.trials]
    assert [t.params for t in ours.trials[1:]] != [t.params for t in other.trials[1:]]


def test_a_spent_budget_ends_the_search_but_not_before_the_defaults_are_tried() -> None:
    ticks = count()
    found = tune(problem(), Budget(0, lambda: float(next(ticks))), seed=1)
    assert [trial.number for trial in found.trials] == [0]
    assert found.loss == found.start_loss


def test_a_trial_is_stopped_in_the_middle_when_the_budget_ends() -> None:
    ticks = count()
    ends = 5 * MOST_ROUNDS  # clock readings, one per round: ends after the first trial, within a later one
    found = tune(problem(), Budget(ends, lambda: float(next(ticks))), seed=1)
    assert found.trials[-1].state == "fail"
    assert found.trials[-1].loss is None
    assert next(ticks) < ends + 20


def test_hopeless_trials_are_given_up_before_their_last_fold() -> None:
    found = tune(problem(), replace(FOREVER, trials=16), seed=1)
    pruned = [trial for trial in found.trials if trial.state == "pruned"]
    assert pruned
    assert all(trial.loss is None and trial.rounds == 0 for trial in pruned)


def test_columns_of_known_sign_are_constrained_in_every_trial() -> None:
    assert problem().fixed["monotone_constraints"] == "(1,0,0)"
    falling = replace(problem(), shape=Shape((-1, 0, 0)))
    # The first column raises the risk: forbidding that must worsen the loss, or the constraint was ignored.
    assert tune(falling, FOREVER, seed=1).loss > tune(problem(), FOREVER, seed=1).loss + 0.05


def test_two_processes_share_a_study_in_postgresql(studies_url: str) -> None:
    budget, study = Budget(1e9, time.monotonic, trials=3), Study("shared", studies_url)
    tune(problem(), Budget(0, time.monotonic, trials=1), 1, study)
    shared = open_study(study, problem(), 1)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        other = pool.submit(tune, problem(), budget, 2, study)
        while len(shared.get_trials()) == 1 and not other.done():
            time.sleep(0.02)
        found = max(tune(problem(), budget, 3, study), other.result(), key=lambda tuned: len(tuned.trials))
    assert sorted(trial.number for trial in found.trials) == list(range(7))
    assert len({tuple(trial.params.values()) for trial in found.trials}) == 7


def test_workers_asked_for_search_together_within_the_budget(studies_url: str) -> None:
    found = run_search(problem(), studies_url, Search(budget=1, seed=1, workers=2, study="workers"))
    assert len(found.trials) > 2
    assert found.start_loss is not None
    assert found.loss <= found.start_loss


def test_ctrl_c_ends_the_processes_of_a_search_long_before_its_budget(studies_url: str) -> None:
    def press() -> None:
        while len(multiprocessing.active_children()) < 2:
            time.sleep(0.05)
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    began = time.monotonic()
    threading.Thread(target=press, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        run_search(problem(), studies_url, Search(budget=60, seed=1, workers=2, study="stopped"))
    signal.signal(signal.SIGINT, before)
    assert time.monotonic() - began < 30
    assert multiprocessing.active_children() == []


def tuned(known_before: datetime, eta: float) -> TunedParams:
    return TunedParams(
        "no_show", {"eta": eta, "max_depth": 3}, 0.2, 0.21, 9, 60.0, "no_show 1", "data", "features", known_before, NOW
    )


def test_a_training_gets_the_newest_parameters_that_did_not_see_its_test(engine: Engine) -> None:
    assert newest_tuned(engine, "no_show", NOW) is None
    for days, eta in ((-9, 0.1), (-5, 0.2), (1, 0.3)):
        record_tuned(engine, tuned(NOW + timedelta(days=days), eta))
    found = newest_tuned(engine, "no_show", NOW)
    assert found == tuned(NOW - timedelta(days=5), 0.2)
    assert newest_tuned(engine, "churn", NOW) is None


TRIALS = (
    Trial(0, {"eta": 0.1, "max_depth": 3}, 0.21, 40, "complete", NOW, 2.5),
    Trial(1, {"eta": 0.2, "max_depth": 5}, None, 0, "pruned", NOW, 0.5),
)


def _log(uri: str, folder: Path) -> str:
    return log_trials(
        TRIALS,
        name="no_show 1",
        tags={"task": "no_show"},
        params={"eta": 0.1},
        metrics={"log_loss": 0.21},
        tracking_uri=uri,
        artifact_root=folder,
        experiment="tuning",
        began=NOW,
        ended=NOW + timedelta(seconds=3),
    )


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")
def test_every_trial_is_a_run_nested_in_the_searchs(registry_file: Path, tmp_path: Path) -> None:
    uri = f"sqlite:///{shutil.copy(registry_file, tmp_path)}"
    run_id = _log(uri, tmp_path)
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    parent = client.get_run(run_id)
    assert (parent.info.status, parent.data.metrics["log_loss"]) == ("FINISHED", 0.21)
    nested = client.search_runs([parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run_id}'")
    assert sorted(run.info.run_name for run in nested) == ["trial 0", "trial 1"]
    assert {run.info.run_name: run.info.status for run in nested} == {"trial 0": "FINISHED", "trial 1": "KILLED"}
    assert all(0 < len(run.data.metrics) < 100 for run in nested)
    assert nested[0].data.params.keys() == {"eta", "max_depth"}


def test_a_registry_that_is_away_is_said_when_trials_are_logged(tmp_path: Path) -> None:
    with pytest.raises(RegistryUnavailable, match="does not respond"):
        _log("http://127.0.0.1:9", tmp_path)
