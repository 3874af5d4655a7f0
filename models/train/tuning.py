"""Optuna over XGBoost: seeded, within a budget in seconds, hopeless trials given up early, by held-out log loss."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import numpy as np
import optuna
import xgboost as xgb
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState

from domain.errors import NotEnoughData
from models.learners.boosting import PATIENCE, Params
from models.train.folds import Binned, Problem

SPACE: Mapping[str, BaseDistribution] = MappingProxyType(
    {
        "eta": FloatDistribution(0.02, 0.3, log=True),
        "max_depth": IntDistribution(2, 6),  # deeper trees cannot be explained in milliseconds
        "min_child_weight": FloatDistribution(1.0, 100.0, log=True),
        "subsample": FloatDistribution(0.5, 1.0),
        "colsample_bytree": FloatDistribution(0.3, 1.0),
        "lambda": FloatDistribution(0.1, 100.0, log=True),
        "alpha": FloatDistribution(0.001, 10.0, log=True),
        "gamma": FloatDistribution(0.001, 5.0, log=True),
    }
)
"""What is searched. `max_bin` is not: the bins are made once a fold and shared by all trials."""

MOST_ROUNDS = 300
HEADROOM = 1.25
"""The training that follows has more rows than any fold, and may want more rounds; it stops by itself."""

_IN_START = {"alpha": 0.001, "gamma": 0.001}  # where the defaults say nothing: next to nothing


@dataclass(frozen=True)
class Budget:
    """When to stop: after so many seconds of `clock`, or so many trials of this process if sooner."""

    seconds: float
    clock: Callable[[], float]
    trials: int | None = None


@dataclass(frozen=True)
class Study:
    """Where the trials are kept: in memory, or at a SQLAlchemy URL under a name that several workers share."""

    name: str = "tuning"
    storage: str | None = None


@dataclass(frozen=True)
class Trial:
    """A set of parameters and its held-out log loss; None for one that was given up or stopped by the budget."""

    number: int
    params: Params
    loss: float | None
    rounds: int
    state: str
    began: datetime
    seconds: float


@dataclass(frozen=True)
class Tuned:
    """The best parameters, with the rounds to go at most, their held-out log loss beside the start's, and every trial.

    `start_loss` is None where another worker has not finished the start yet.
    """

    params: Params
    loss: float
    start_loss: float | None
    trials: tuple[Trial, ...]


def tune(problem: Problem, budget: Budget, seed: int, study: Study | None = None, threads: int | None = None) -> Tuned:
    """Search SPACE with the tree-structured Parzen estimator, from the problem's start on.

    Alone, the same seed tries the same parameters in the same order; the budget decides how many. The first trial, the
    start itself, is finished whatever the budget. A trial is given up where its folds so far are outside the best
    quarter of the trials'. `threads` are XGBoost's, all by default. Sources: Akiba et al. 2019, KDD (Optuna); Bergstra
    et al. 2011, NeurIPS (the estimator).
    """
    shared = open_study(study or Study(), problem, seed)
    search(shared, problem, budget, threads)
    return summary(shared.trials, problem)


def open_study(study: Study, problem: Problem, seed: int) -> optuna.Study:
    """Make the study with the start as its first trial, or join the one of that name."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    found = optuna.create_study(
        study_name=study.name,
        storage=study.storage and optuna.storages.RDBStorage(study.storage),
        sampler=optuna.samplers.TPESampler(seed=seed, constant_liar=study.storage is not None),
        pruner=optuna.pruners.PercentilePruner(25.0, n_startup_trials=4),
        load_if_exists=True,
    )
    found.enqueue_trial(_start(problem), skip_if_exists=True)
    return found


def _start(problem: Problem) -> dict[str, Any]:
    known = _IN_START | problem.start
    return {name: type(known[name])(known[name]) for name in SPACE}


def search(study: optuna.Study, problem: Problem, budget: Budget, threads: int | None = None) -> None:
    """Try one set of parameters after the other until the budget is spent."""
    fixed = problem.fixed | ({} if threads is None else {"nthread": threads})
    ends, tried = budget.clock() + budget.seconds, 0
    folds = list(problem.binned())
    while (budget.trials is None or tried < budget.trials) and (tried == 0 or budget.clock() < ends):
        trial = study.ask(dict(SPACE))
        late = _Late(budget.clock, float("inf") if trial.number == 0 else ends)
        _try(study, trial, folds, fixed | trial.params, late)
        tried += 1


class _Late(xgb.callback.TrainingCallback):  # type: ignore[misc]  # it ships no types
    """Stops a fit when the budget is spent."""

    def __init__(self, clock: Callable[[], float], ends: float) -> None:
        super().__init__()
        self._clock, self._ends = clock, ends

    @property
    def spent(self) -> bool:
        """Whether there is no time left."""
        return self._clock() >= self._ends

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """True ends the fit."""
        return self.spent


def _try(study: optuna.Study, trial: optuna.Trial, folds: list[Binned], params: Params, late: _Late) -> None:
    judged: list[tuple[float, int]] = []
    for step, fold in enumerate(folds):
        judged.append(_judge(fold, params, late))
        if late.spent:
            study.tell(trial, state=TrialState.FAIL)
            return
        trial.report(_mean(judged, folds), step)
        if step < len(folds) - 1 and trial.should_prune():
            study.tell(trial, state=TrialState.PRUNED)
            return
    trial.set_user_attr("rounds", max(rounds for _, rounds in judged))
    study.tell(trial, _mean(judged, folds))


def _mean(judged: list[tuple[float, int]], folds: list[Binned]) -> float:
    return float(np.average([loss for loss, _ in judged], weights=[f.n_judged for f in folds[: len(judged)]]))


def _judge(fold: Binned, params: Params, late: _Late) -> tuple[float, int]:
    """The best held-out log loss of a fold, and the round that had it."""
    losses: dict[str, dict[str, list[float]]] = {}
    xgb.train(
        params,
        fold.teach,
        num_boost_round=MOST_ROUNDS,
        evals=[(fold.judge, "held_out")],
        evals_result=losses,
        early_stopping_rounds=PATIENCE,
        verbose_eval=False,
        callbacks=[late],
    )
    found = np.array(losses["held_out"]["logloss"])
    return float(found.min()), int(found.argmin()) + 1


def summary(trials: list[FrozenTrial], problem: Problem) -> Tuned:
    """What a study found. Raises NotEnoughData where no trial was finished."""
    found = tuple(_trial(trial) for trial in trials if trial.state.is_finished())
    losses = {trial.number: trial.loss for trial in found if trial.loss is not None}
    if not losses:
        raise NotEnoughData("no trial was finished within the budget: give it more seconds.")
    best = next(trial for trial in found if trial.number == min(losses, key=lambda number: (losses[number], number)))
    rounds = int(np.ceil(best.rounds * HEADROOM)) + PATIENCE
    kept = {name: value for name, value in problem.start.items() if name != "seed"}
    return Tuned(kept | best.params | {"rounds": rounds}, losses[best.number], losses.get(0), found)


def _trial(trial: FrozenTrial) -> Trial:
    began = (trial.datetime_start or datetime.now()).astimezone(UTC)
    return Trial(
        number=trial.number,
        params=dict(trial.params),
        loss=trial.value if trial.state is TrialState.COMPLETE else None,
        rounds=int(trial.user_attrs.get("rounds", 0)),
        state=trial.state.name.lower(),
        began=began,
        seconds=trial.duration.total_seconds() if trial.duration else 0.0,
    )
