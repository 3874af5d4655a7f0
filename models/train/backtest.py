"""Backtest: a model trained up to a date and tested on later rows, with and without the tutor's history."""

import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pyarrow as pa

from domain.vocabulary import Task
from features.as_of.queries import decided_when_asked
from features.base.dataset import Dataset
from features.history.history import History
from models.artifact.matrix import features_of, matrix_of
from models.evaluate.bootstrap import TOP_SHARES
from models.evaluate.metrics import Evaluation, Figure, auc_gain, compare
from models.evaluate.plain_xgboost import PLAIN_XGBOOST, plain_xgboost
from models.evaluate.removals import question_of
from models.evaluate.report import baseline_words, document, gain_words
from models.examples.rows import Rows, churn_rows, no_show_rows
from models.examples.simulated_truth import align, of_sessions
from models.train.fitting import OnStep, Request, no_display
from models.train.training import Training, default_cut, train


@dataclass(frozen=True)
class Backtest:
    """Result of a backtest; `gain` is the ROC AUC with history minus that without, on the same rows.

    `decided_when_asked` is the number of sessions left out because their outcome was known by their early-warning
    moment.
    """

    task: Task
    cut: int
    n_train: int
    with_history: Evaluation
    without_history: Evaluation
    gain: Figure
    decided_when_asked: int
    seconds: float
    peak_mb: float


def rows_of(task: Task, history: History, horizon: timedelta, every: timedelta, cut: int | None) -> Rows:
    """Returns all rows of a task with a known outcome; the churn dates include the cut."""
    return no_show_rows(history) if task is Task.NO_SHOW else churn_rows(history, horizon, every, cut)


def backtest(
    task: Task,
    dataset: Dataset,
    horizon: timedelta,
    every: timedelta,
    cut: int | None,
    seed: int,
    truth: pa.Table | None = None,
    confirmed: Mapping[str, str] | None = None,
    on_step: OnStep = no_display,
) -> Backtest:
    """Train twice on labels known before the cut and test on rows as of the cut and later.

    `cut` is in UTC microseconds; by default the last 30 % of days are for the test. `truth` is a table as read by
    `models.examples.simulated_truth`. `confirmed` are reasons by which leak alarms about columns are overridden.
    `on_step` receives the steps as they begin. Raises NotEnoughData, LeakSuspected.
    """
    began = time.perf_counter()
    on_step("build the history")
    history = History(dataset)
    rows = rows_of(task, history, horizon, every, cut)
    moment = default_cut(rows) if cut is None else cut
    true_values = None if truth is None else align(task, truth, history, rows, horizon)
    session_truth = None if truth is None else of_sessions(truth, history)
    request = Request(
        task,
        history,
        rows,
        moment,
        seed,
        truth=true_values,
        session_truth=session_truth,
        horizon=horizon,
        every=every,
        refit=False,
        confirmed=confirmed or {},
        on_step=lambda step: on_step(f"with history: {step}"),
    )
    full = train(request)
    on_step("with history: train a plain XGBoost on the same columns")
    evaluation = _with_plain_xgboost(request, full)
    static = tuple(f for f in features_of(task) if not f.history)
    without = replace(request, features=static, truth=None, origins=0, tutor_risk=False, group_histories=False)
    bare = train(replace(without, on_step=lambda step: on_step(f"without history: {step}")))
    return Backtest(
        task=task,
        cut=moment,
        n_train=full.n_train,
        with_history=evaluation,
        without_history=bare.evaluation,
        gain=auc_gain(full.test.label, full.scores, bare.scores, full.test.queries.tutor, seed),
        decided_when_asked=int(decided_when_asked(history.sessions).sum()) if task is Task.NO_SHOW else 0,
        seconds=time.perf_counter() - began,
        peak_mb=peak_megabytes(),
    )


def _with_plain_xgboost(request: Request, full: Training) -> Evaluation:
    """Returns the evaluation of a training, with a plain XGBoost on the same columns and rows as a baseline."""
    rows, test, sidecar = request.rows, full.test, full.evaluated.sidecar
    known = rows.where(rows.known_at < request.cut)
    matrices = (matrix_of(sidecar, request.history, some.queries) for some in (known, test))
    train_matrix, test_matrix = matrices
    scores = plain_xgboost(train_matrix, known.label, known.queries.as_of, test_matrix, request.seed)
    tutors, others = test.queries.tutor, {PLAIN_XGBOOST: scores}
    compared = compare(test.label, full.scores, others, tutors, request.seed, request.repeats)
    return replace(full.evaluation, baselines=full.evaluation.baselines | compared)


def peak_megabytes() -> float:
    """Returns the peak resident memory of this process so far, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


def as_json(result: Backtest) -> dict[str, Any]:
    """Returns the result as one JSON object, the documented contract of `tqs backtest --json`."""
    full = result.with_history
    figures = document(full) | {
        "in_words": list(in_words(result)),
        "n_train": result.n_train,
        "n_test": full.n_test,
        "base_rate": full.base_rate,
        "with_history": _figures(full.figures),
        "without_history": _figures(result.without_history.figures),
        "gain": {"roc_auc": result.gain.value, "ci95": [result.gain.low, result.gain.high]},
        "decided_when_asked": result.decided_when_asked,
        "seconds": round(result.seconds, 2),
        "peak_mb": round(result.peak_mb, 1),
    }
    return figures if full.ceiling is None else figures | {"ceiling": _figures(full.ceiling)}


def in_words(result: Backtest) -> tuple[str, ...]:
    """Returns what the figures show: a sentence for each baseline, one for the history, and a question if there is."""
    full = result.with_history
    whole, question = full.figures.get("roc_auc"), question_of(full.unconfirmed)
    return (
        *(baseline_words(name, baseline, whole) for name, baseline in full.baselines.items()),
        f"The history {gain_words(result.gain, 'raises the ROC AUC', 'is not shown to help', 'lowers the ROC AUC')}.",
        *([f"{question}."] if question else []),
    )


def _figures(figures: dict[str, Figure]) -> dict[str, Any]:
    plain = {name: figures[name].value for name in ("roc_auc", "pr_auc", "brier", "ece")}
    keys = [str(round(share * 100)) for share in TOP_SHARES]
    return plain | {
        measure: {key: figures[f"{measure}_{key}"].value for key in keys} for measure in ("precision_at", "recall_at")
    }
