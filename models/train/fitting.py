"""Fit of a model to the data known at a moment: trees, calibration, 14-day tutor risk and its threshold."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from domain.horizons import CHURN_HORIZON
from domain.vocabulary import Task
from features.as_of.past import Past
from features.as_of.prior_estimation import estimate_priors
from features.as_of.priors import Priors
from features.base.array_types import Matrix, Values
from features.base.dataset import Group
from features.catalogue import attribute_values
from features.columns import Feature
from features.columns.group_rates import RATES, column_names
from features.history.history import History
from features.source import source_sha256
from models.artifact import matrix
from models.artifact.model import AttributeSpec, Fallback, GroupSpec, Model, seal
from models.examples.rows import Examples, Rows, churn_examples, no_show_examples, periods_of
from models.explain.direction import directions
from models.learners.boosting import Params, Shape, base_rate_only, boost, line_only
from models.learners.hazard import with_period
from models.score.tutor_risk import with_tutor_risk
from models.train.attribute_coding import AttributeCoding
from models.train.attribute_leaks import outcome_alarms
from models.train.calibrating import calibrate
from models.train.groups import specify_groups
from models.train.held_out import Step, fit_before, window
from models.train.leaks import Alarm, check_leaks, leak_alarms

DEFAULT_PARAMS: dict[Task, Params] = {
    Task.NO_SHOW: {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "rounds": 200,
        "eta": 0.05,
        "max_depth": 5,
        "min_child_weight": 20,
        "subsample": 0.8,
        "colsample_bytree": 0.6,
        "lambda": 5.0,
    },
    Task.CHURN: {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "rounds": 150,
        "eta": 0.04,
        "max_depth": 3,
        "min_child_weight": 5,
        "subsample": 0.7,
        "colsample_bytree": 0.6,
        "lambda": 10.0,
    },
}


OnStep = Callable[[str], None]
"""Receives the name of a step when it begins, for a progress display."""


def no_display(step: str) -> None:
    """Ignore the steps of a training."""


@dataclass(frozen=True)
class Request:
    """A training on labels known before `cut` (UTC microseconds), tested on the `rows` as of the cut and later.

    `truth` (rows,) and `session_truth` (sessions,) are the true probabilities of simulated data, for ceilings only.
    `features` defaults to all of the task; `params` override the task's XGBoost defaults. `repeats` is the number of
    bootstrap draws behind each interval. `horizon` and `every`, for churn, are the time within which to leave and the
    distance of the as-of dates. `refit` fits again to all data, for the model to serve. `origins` is the number of
    rolling origins before the cut. `tutor_risk` adds the 14-day tutor risk to a no-show model, `group_histories` the
    rates of groups. `confirmed` are reasons, by column, by which leak alarms are overridden. `on_step` receives the
    steps of the training.
    """

    task: Task
    history: History
    rows: Rows
    cut: int
    seed: int
    fingerprint: str = ""
    truth: Values | None = None
    session_truth: Values | None = None
    features: tuple[Feature, ...] = ()
    params: Params = field(default_factory=dict)
    repeats: int = 200
    horizon: timedelta = CHURN_HORIZON
    every: timedelta = timedelta(days=7)
    refit: bool = True
    origins: int = 4
    tutor_risk: bool = True
    group_histories: bool = True
    confirmed: Mapping[str, str] = field(default_factory=dict)
    on_step: OnStep = no_display

    @property
    def columns(self) -> tuple[Feature, ...]:
        """The features that the model reads."""
        return self.features or matrix.features_of(self.task)

    @property
    def settings(self) -> Params:
        """XGBoost parameters, with the number of rounds and the seed."""
        return DEFAULT_PARAMS[self.task] | self.params | {"seed": self.seed}

    @property
    def reasons(self) -> dict[str, str]:
        """Reasons why columns are known when asked, by column: the dataset file's and this training's.

        The reason of an attribute is also that of the rates of its groups.
        """
        attributes = self.history.dataset.attributes
        reasons = {a.name: a.known_when_asked for a in attributes if a.known_when_asked} | dict(self.confirmed)
        known = [a for a in attributes if a.name in reasons]
        return {name: reasons[a.name] for a in known for name in column_names(Group(a.kind, a.name))} | reasons

    def groups(self, known_before: int) -> tuple[GroupSpec, ...]:
        """Returns the groups whose rates a no-show model reads, estimated before a moment (UTC microseconds)."""
        reads = self.group_histories and self.task is Task.NO_SHOW
        return specify_groups(self.history, known_before) if reads else ()

    def examples(self, known_before: int) -> Examples:
        """Returns the examples known before a moment (UTC microseconds)."""
        if self.task is Task.NO_SHOW:
            return no_show_examples(self.rows, known_before)
        return churn_examples(self.history, self.horizon, self.every, known_before, self.cut)


@dataclass(frozen=True)
class FittedModel:
    """A model, the examples it was fitted to, the matrix of their rows (rows, columns), and overridden leak alarms."""

    model: Model
    examples: Examples
    matrix: Matrix = field(repr=False)
    overridden: tuple[str, ...] = ()


def fit(request: Request, moment: int) -> FittedModel:
    """Fit to the data known before a moment (UTC microseconds). Raises NotEnoughData, LeakSuspected."""
    examples = request.examples(moment)
    parts = window(examples, moment)
    priors = estimate_priors(request.history, moment)
    attributes = matrix.specify_attributes(request.history, examples.queries, examples.row_label, priors)
    groups = request.groups(moment)
    rows = matrix.build(request.columns, attributes, request.history, examples.queries, priors, groups)
    names = [f.name for f in request.columns] + [a.name for a in attributes]
    names += [name for spec in groups for name in column_names(spec.group)]
    overridden = check_leaks(_alarms(request, examples, rows, names, priors), request.reasons)
    columns, shape = design(rows, examples), shape_of(request, len(attributes), groups)
    coding = AttributeCoding(request.history, len(request.columns), examples, priors, attributes)
    held_out = fit_before(lambda fitted_to: coding.recoded(columns, fitted_to), parts, request.settings, shape)
    params = request.settings | held_out.chosen
    fitted = FIT[held_out.step](columns, examples.label, params, shape)
    sidecar = _sidecar(request, moment, examples, attributes, groups, priors, rows) | {"params": params}
    sidecar |= {"fallback": Fallback(step=held_out.step, why=held_out.why) if held_out.why else None}
    calibrated = calibrate(held_out, fitted, columns, parts, names, priors)
    sidecar |= {"frailty": calibrated.frailty}
    model = seal(fitted.booster, linear=fitted.linear, calibration=calibrated.served, **sidecar)
    if request.task is Task.NO_SHOW and request.tutor_risk:
        own = sidecar | {"attributes": tuple(coding.ordered_by(parts.earlier)), "calibration": calibrated.trial}
        judge = held_out.fitted and seal(held_out.fitted.booster, linear=held_out.fitted.linear, **own)
        model = with_tutor_risk(model, judge or model, request.history, parts.calibrate_from, moment)
    return FittedModel(model, examples, rows, overridden)


FIT = {Step.TREES: boost, Step.LINE: line_only, Step.BASE_RATE: base_rate_only}


def _alarms(
    request: Request, examples: Examples, rows: Matrix, columns: Sequence[str], priors: Priors
) -> Iterator[Alarm]:
    """Yields the leak alarms about the rows of a training: (rows, columns)."""
    yield from leak_alarms(rows, examples.row_label, columns, request.history.dataset)
    values = attribute_values(Past(request.history, examples.queries, priors))
    yield from outcome_alarms(values, examples.row_label, examples.queries.tutor)


def design(rows: Matrix, examples: Examples) -> Matrix:
    """Returns the matrix of the examples: their rows, and for a hazard the period as last column."""
    return rows if examples.period is None else with_period(rows[examples.row], examples.period)


def shape_of(request: Request, n_attributes: int, groups: Sequence[GroupSpec] = ()) -> Shape:
    """Returns the known signs of the columns; those of attributes are unknown, rates of groups never lower a risk."""
    signs = [f.monotone for f in request.columns] + [0] * n_attributes + [1] * (len(RATES) * len(groups))
    churn = request.task is Task.CHURN
    return Shape(signs, len(periods_of(request.history, request.horizon)) - 1 if churn else 0)


def _sidecar(
    request: Request,
    moment: int,
    examples: Examples,
    attributes: Sequence[AttributeSpec],
    groups: Sequence[GroupSpec],
    priors: Priors,
    rows: Matrix,
) -> dict[str, Any]:
    churn = request.task is Task.CHURN
    return {
        "task": request.task,
        "features": tuple(f.name for f in request.columns),
        "attributes": tuple(attributes),
        "groups": tuple(groups),
        "priors": priors,
        "periods": periods_of(request.history, request.horizon) if churn else (),
        "horizon": request.horizon.days if churn else 0,
        "asked": None if churn else request.history.dataset.asked,
        "base_rate": float(examples.label.mean()),
        "typical": (typical := _typical(rows)),
        "directions": directions(rows, examples.row_label, typical),
        "known_before": datetime.fromtimestamp(moment / 1e6, UTC),
        "data_fingerprint": request.fingerprint,
        "features_sha256": source_sha256(),
    }


def _typical(columns: Matrix) -> tuple[float, ...]:
    """Returns the median of each column, 0 where all values are missing."""
    padded = np.where(np.isnan(columns).all(axis=0), np.float32(0), columns)
    return tuple(float(v) for v in np.nanmedian(padded, axis=0))
