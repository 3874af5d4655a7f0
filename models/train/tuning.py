"""Parameter search for XGBoost with Optuna: seeded, within a time budget, with pruning by held-out log loss."""

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
from models.train.folds import Binned, TuningData

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
"""Search space. It excludes `max_bin`, because the bins are computed once per fold and shared by all trials."""

MOST_ROUNDS = 300
HEADROOM = 1.25
"""Factor on the rounds for the final training, which has more rows than any fold and stops early by itself."""

_IN_START = {"alpha": 0.001, "gamma": 0.001}  # lower ends of SPACE; the defaults have neither


@dataclass(frozen=True)
class Budget:
    """Limits of a search: seconds of `clock`, and optionally the trials of this process."""

    seconds: float
    clock: Callable[[], float]
    trials: int | None = None


@dataclass(frozen=True)
class Study:
    """Storage of the trials: in memory, or at a SQLAlchemy URL under a name shared by several workers."""

    name: str = "tuning"
    storage: str | None = None


@dataclass(frozen=True)
class Trial:
    """A set of parameters and its held-out log loss, None where pruned or stopped by the budget."""

    number: int
    params: Params
    loss: float | None
    rounds: int
    state: str
    began: datetime
    seconds: float


@dataclass(frozen=True)
class Tuned:
    """The best parameters with the most rounds to boost, their held-out log loss, that of the start, and all trials.

    `start_loss` is None while another worker has not finished the first trial.
    """

    params: Params
    loss: float
    start_loss: float | None
    trials: tuple[Trial, ...]


def tune(data: TuningData, budget: Budget, seed: int, study: Study | None = None, threads: int | None = None) -> Tuned:
    """Search SPACE with the tree-structured Parzen estimator, beginning with the start of the data.

    A single worker tries the same parameters in the same order for the same seed; the budget limits their number. The
    first trial is finished regardless of the budget. A trial is pruned where its folds so far are outside the best
    quarter of the trials. `threads` are XGBoost's, all by default. Sources: Akiba et al. 2019, KDD (Optuna); Bergstra
    et al. 2011, NeurIPS (the estimator).
    """
    shared = open_study(study or Study(), data, seed)
    search(shared, data, budget, threads)
    return summary(shared.trials, data)


def open_study(study: Study, data: TuningData, seed: int) -> optuna.Study:
    """Create the study with the start as its first trial, or join the existing one of that name."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    opened = optuna.create_study(
        study_name=study.name,
        storage=study.storage and optuna.storages.RDBStorage(study.storage),
        sampler=optuna.samplers.TPESampler(seed=seed, constant_liar=study.storage is not None),
        pruner=optuna.pruners.PercentilePruner(25.0, n_startup_trials=4),
        load_if_exists=True,
    )
    opened.enqueue_trial(_start(data), skip_if_exists=True)
    return opened


def _start(data: TuningData) -> dict[str, Any]:
    known = _IN_START | data.start
    return {name: type(known[name])(known[name]) for name in SPACE}


def search(study: optuna.Study, data: TuningData, budget: Budget, threads: int | None = None) -> None:
    """Run trials until the budget is spent."""
    fixed = data.fixed | ({} if threads is None else {"nthread": threads})
    ends, tried = budget.clock() + budget.seconds, 0
    folds = list(data.binned())
    while (budget.trials is None or tried < budget.trials) and (tried == 0 or budget.clock() < ends):
        trial = study.ask(dict(SPACE))
        late = _Late(budget.clock, float("inf") if trial.number == 0 else ends)
        _try(study, trial, folds, fixed | trial.params, late)
        tried += 1


class _Late(xgb.callback.TrainingCallback):  # type: ignore[misc]  # no type information
    """Stops a fit when the budget is spent."""

    def __init__(self, clock: Callable[[], float], ends: float) -> None:
        super().__init__()
        self._clock, self._ends = clock, ends

    @property
    def spent(self) -> bool:
        """True where no time is left."""
        return self._clock() >= self._ends

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Returns True to end the fit."""
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
    """Returns the best held-out log loss of a fold and its round."""
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
    by_round = np.array(losses["held_out"]["logloss"])
    return float(by_round.min()), int(by_round.argmin()) + 1


def summary(trials: list[FrozenTrial], data: TuningData) -> Tuned:
    """Returns the result of a study. Raises NotEnoughData where no trial was finished."""
    finished = tuple(_trial(trial) for trial in trials if trial.state.is_finished())
    losses = {trial.number: trial.loss for trial in finished if trial.loss is not None}
    if not losses:
        raise NotEnoughData("no trial was finished within the budget: give it more seconds.")
    best = next(trial for trial in finished if trial.number == min(losses, key=lambda number: (losses[number], number)))
    rounds = int(np.ceil(best.rounds * HEADROOM)) + PATIENCE
    fixed = {name: value for name, value in data.start.items() if name != "seed"}
    return Tuned(fixed | best.params | {"rounds": rounds}, losses[best.number], losses.get(0), finished)


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
