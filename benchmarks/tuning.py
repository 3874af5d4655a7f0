"""Trials a minute: our search beside a plain Optuna loop that makes its matrices anew for each trial.

`python -m benchmarks.tuning [--seconds N] [--out FILE]`. Both run for the same time in the same process, on the same
examples, folds, space, straight line, early stop and seed, in memory. Pruned trials count, as they do for a search; the
third line is our search with pruning switched off, to show what the shared matrices alone are worth.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import optuna
import xgboost as xgb
from rich.console import Console
from rich.table import Table

from benchmarks.lines import Line, record
from domain.vocabulary import Task
from features.history.history import History
from flows.train import request_of
from models.learners.boosting import PATIENCE
from models.learners.logistic import fit_linear
from models.train.folds import Fold, TuningData, tuning_data
from models.train.tuning import MOST_ROUNDS, SPACE, Budget, Study, open_study, search
from simulator.marketplace import simulate
from simulator.settings import MarketSettings

SEED = 0
MARKET = MarketSettings(tutors=300, days=250, sessions_per_day=600)


def plain(data: TuningData, seconds: float) -> optuna.Study:
    """The method of tutorials: each trial builds a DMatrix of each part of each fold and trains on it."""
    lines = [_margins(data, fold) for fold in data.folds]

    study, ends = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=SEED)), time.monotonic() + seconds
    while time.monotonic() < ends:
        trial = study.ask(dict(SPACE))
        params = data.fixed | trial.params
        losses = [_train(data, fold, margins, params) for fold, margins in zip(data.folds, lines, strict=True)]
        study.tell(trial, float(np.average(losses, weights=[fold.judge.size for fold in data.folds])))
    return study


def _margins(data: TuningData, fold: Fold) -> tuple[np.ndarray, np.ndarray]:
    shape = data.shape
    line = fit_linear(data.design[fold.teach], data.labels[fold.teach], shape.signs, shape.n_periods, SEED)
    return line.log_odds(data.design[fold.teach]), line.log_odds(data.design[fold.judge])


def _train(data: TuningData, fold: Fold, margins: tuple[np.ndarray, np.ndarray], params: dict) -> float:
    teach, judge = (
        xgb.DMatrix(data.design[rows], data.labels[rows], base_margin=margin)
        for rows, margin in zip((fold.teach, fold.judge), margins, strict=True)
    )
    booster = xgb.train(
        params,
        teach,
        num_boost_round=MOST_ROUNDS,
        evals=[(judge, "held_out")],
        early_stopping_rounds=PATIENCE,
        verbose_eval=False,
    )
    return float(booster.best_score)


def ours(data: TuningData, seconds: float) -> optuna.Study:
    """The product's search."""
    study = open_study(Study(), data, SEED)
    search(study, data, Budget(seconds, time.monotonic))
    return study


def unpruned(data: TuningData, seconds: float) -> optuna.Study:
    """The product's search without pruning."""
    study = open_study(Study(), data, SEED)
    study.pruner = optuna.pruners.NopPruner()
    search(study, data, Budget(seconds, time.monotonic))
    return study


def measure(run: Callable[[TuningData, float], optuna.Study], data: TuningData, seconds: float) -> dict[str, float]:
    """Trials a minute, counting those that ended by themselves, and the best loss."""
    began = time.perf_counter()
    study = run(data, seconds)
    minutes = (time.perf_counter() - began) / 60
    states = [trial.state.name for trial in study.trials]
    done = states.count("COMPLETE") + states.count("PRUNED")
    return {"a_minute": done / minutes, "pruned": states.count("PRUNED"), "trials": done, "loss": study.best_value}


def main(seconds: float, out: Path | None) -> None:
    """Measure the three and print the table."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    data = tuning_data(request_of(Task.NO_SHOW, History(simulate(MARKET).dataset), SEED))
    found = {run.__name__: measure(run, data, seconds) for run in (plain, ours, unpruned)}
    rows, columns = data.design.shape
    title = f"{rows} examples x {columns} columns, {len(data.folds)} folds, {seconds:.0f} s each"
    table = Table("search", "trials a minute", "x plain", "trials", "of them pruned", "best log loss", title=title)
    for name, figures in found.items():
        ratio = figures["a_minute"] / found["plain"]["a_minute"]
        counts = (f"{figures['trials']:.0f}", f"{figures['pruned']:.0f}")
        table.add_row(name, f"{figures['a_minute']:.1f}", f"{ratio:.1f}", *counts, f"{figures['loss']:.5f}")
    Console(width=110).print(table)
    mine, plain_rate = found["ours"]["a_minute"], found["plain"]["a_minute"]
    record([Line("tuning: trials", mine, "a minute", plain_rate, "plain Optuna", mine / plain_rate)])
    if out:
        out.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    main(arguments.seconds, arguments.out)
