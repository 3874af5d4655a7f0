"""Split by the calendar, fit, calibrate on a later window, evaluate on the last."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from domain.errors import NotEnoughData
from domain.vocabulary import Task
from features.columns import Feature
from features.history import History
from features.priors import Priors, estimate_priors
from models import calibration, matrix
from models.artifact import AttributeSpec, Matrix, Model, seal
from models.dataset import Rows
from models.evaluation import Evaluation, curves, figures_with_intervals
from models.tutor_risk import calibrate_tutors, evaluate_tutors

MIN_OUTCOMES, MIN_TEST_OUTCOMES = 30, 10
"""Of either class: fewer teach nothing, and figures on fewer have intervals too wide to use."""

CALIBRATION_SHARE = 0.25
MIN_TRIAL_SHARE = 0.5

Params = dict[str, float | int | str]

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


@dataclass(frozen=True)
class Request:
    """What to train: rows of a history, on labels known before `cut` (UTC microseconds).

    `truth` (rows,) holds the true probabilities of simulated data, for the ceiling only. `features` are the task's
    own unless fewer are asked for. `repeats` is the number of bootstrap draws behind each interval.
    """

    task: Task
    history: History
    rows: Rows
    cut: int
    seed: int
    fingerprint: str = ""
    truth: NDArray[np.float64] | None = None
    features: tuple[Feature, ...] = ()
    repeats: int = 200

    @property
    def params(self) -> Params:
        """XGBoost's parameters, with the number of rounds."""
        return DEFAULT_PARAMS[self.task] | {"seed": self.seed}


@dataclass(frozen=True)
class Training:
    """What a training gave: the model, its evaluation on the last window, and what a log wants to keep.

    `margins` (test rows,) are the model's on `test`; `sample` is five rows of the matrix.
    """

    model: Model
    evaluation: Evaluation
    n_train: int
    params: Params
    importance: dict[str, float]
    sample: Matrix
    margins: NDArray[np.float64] = field(repr=False)
    test: Rows = field(repr=False)


@dataclass(frozen=True)
class Split:
    """Rows by the calendar: labels known before the cut train, rows as of the cut and later test.

    The label's horizon is the gap between them. Of the known rows, those as of `calibrate_from` and later calibrate
    a trial model, fitted on labels known before it where that leaves most of the rows.
    """

    known: Rows
    test: Rows
    calibrate_from: int

    @property
    def earlier(self) -> NDArray[np.bool_]:
        """Which known rows had their label before the calibration window: (known rows,)."""
        return self.known.known_at < self.calibrate_from

    @property
    def later(self) -> NDArray[np.bool_]:
        """Which known rows calibrate: (known rows,)."""
        return self.known.queries.as_of >= self.calibrate_from


def split(rows: Rows, cut: int) -> Split:
    """Split at the cut (UTC microseconds). Raises NotEnoughData where a part has too few outcomes of either class."""
    known, test = rows.where(rows.known_at < cut), rows.where(rows.queries.as_of >= cut)
    _check(f"known before {_date(cut)} to train on", known.label)
    _check(f"from {_date(cut)} to test on", test.label, MIN_TEST_OUTCOMES)
    found = Split(known, test, int(np.quantile(known.queries.as_of, 1 - CALIBRATION_SHARE)))
    window = f"from {_date(found.calibrate_from)} to {_date(cut)}"
    _check(f"{window} to calibrate on", known.label[found.later], MIN_TEST_OUTCOMES)
    return found


def _check(which: str, labels: NDArray[np.float64], least: int = MIN_OUTCOMES) -> None:
    positives = int(labels.sum())
    if min(positives, labels.size - positives) < least:
        raise NotEnoughData(
            f"{labels.size} finished rows {which}, {positives} of them positive: at least {least} of each "
            f"outcome are needed. Bring more history or move the cut."
        )


def train(request: Request) -> Training:
    """Train and evaluate a model. Raises NotEnoughData."""
    parts = split(request.rows, request.cut)
    features = request.features or matrix.features_of(request.task)
    priors = estimate_priors(request.history, request.cut)
    attributes = matrix.specify_attributes(request.history, parts.known.queries, parts.known.label, priors)

    def columns(part: Rows) -> Matrix:
        return matrix.build(features, attributes, request.history, part.queries, priors)

    known = columns(parts.known)
    model = _fit(request, parts, known, features, attributes, priors)
    margins = model.margins(columns(parts.test))
    evaluation = evaluate(model, margins, parts.test, request)
    if request.task is Task.NO_SHOW and not request.features:
        model, evaluation = _with_tutor_risk(model, evaluation, request, parts.calibrate_from)
    return Training(
        model=model,
        evaluation=evaluation,
        n_train=len(parts.known),
        params=request.params,
        importance=_importance(model),
        sample=known[:5],
        margins=margins,
        test=parts.test,
    )


def _fit(
    request: Request,
    parts: Split,
    known: Matrix,
    features: tuple[Feature, ...],
    attributes: list[AttributeSpec],
    priors: Priors,
) -> Model:
    labels, tutors, later = parts.known.label, parts.known.queries.tutor, parts.later
    held_out = _held_out_margins(known, parts, request.params)
    return seal(
        boost(known, labels, request.params),
        task=request.task,
        features=tuple(f.name for f in features),
        attributes=tuple(attributes),
        priors=priors,
        calibration=calibration.fit(held_out, labels[later], tutors[later]),
        base_rate=float(labels.mean()),
        typical=_typical(known),
        known_before=datetime.fromtimestamp(request.cut / 1e6, UTC),
        data_fingerprint=request.fingerprint,
    )


def _held_out_margins(columns: Matrix, parts: Split, params: Params) -> NDArray[np.float64]:
    """Margins of the later rows (later rows,) from a trial model that has not seen them.

    By date where the label's horizon leaves most of the known rows before the calibration window. With a horizon of
    30 days it leaves weeks of a half-year history, and the calibrator of a poor model does not fit a good one: then
    by tutor, in two folds. See docs/adr/0003.
    """
    labels, later = parts.known.label, np.flatnonzero(parts.later)
    if parts.earlier.mean() >= MIN_TRIAL_SHARE:
        return _margins(boost(columns[parts.earlier], labels[parts.earlier], params), columns[later])
    fold = parts.known.queries.tutor % 2
    margins = np.empty(later.size)
    for number in (0, 1):
        rows = fold[later] == number
        margins[rows] = _margins(boost(columns[fold != number], labels[fold != number], params), columns[later[rows]])
    return margins


def _margins(booster: xgb.Booster, columns: Matrix) -> NDArray[np.float64]:
    return np.asarray(booster.inplace_predict(columns, predict_type="margin"), dtype=np.float64)


def boost(columns: Matrix, labels: NDArray[np.float64], params: Params) -> xgb.Booster:
    """XGBoost on a matrix (rows, columns) and 0/1 labels (rows,)."""
    settings = {name: value for name, value in params.items() if name != "rounds"}
    return xgb.train(settings, xgb.QuantileDMatrix(columns, labels), num_boost_round=int(params["rounds"]))


def evaluate(model: Model, margins: NDArray[np.float64], test: Rows, request: Request) -> Evaluation:
    """Figures of the calibrated scores on the test rows, and of the true probabilities where they are known."""
    scores, tutors = model.sidecar.calibration.probability(margins), test.queries.tutor
    true_values = None if request.truth is None else request.truth[request.rows.queries.as_of >= request.cut]
    figures, ceiling = (
        None if values is None else figures_with_intervals(test.label, values, tutors, request.seed, request.repeats)
        for values in (scores, true_values)
    )
    return Evaluation(
        n_test=len(test),
        base_rate=float(test.label.mean()),
        figures=figures or {},
        curves=curves(test.label, scores),
        ceiling=ceiling,
    )


def _with_tutor_risk(
    model: Model, evaluation: Evaluation, request: Request, calibrate_from: int
) -> tuple[Model, Evaluation]:
    """The model with its 14-day tutor risk calibrated before the cut, and that risk's figures from the cut on."""
    risk = calibrate_tutors(model, request.history, calibrate_from, request.cut)
    model = Model(model.ubj, model.sidecar.model_copy(update={"tutor_calibration": risk}))
    end = int(request.rows.known_at.max())
    tutor_figures = evaluate_tutors(model, request.history, request.cut, end, request.seed, request.repeats)
    return model, replace(evaluation, tutor_figures=tutor_figures)


def default_cut(rows: Rows, test_share: float = 0.3) -> int:
    """The cut that leaves the last share of days for the test: UTC microseconds at midnight."""
    if not len(rows):
        raise NotEnoughData("no finished outcome in the data: nothing to train or test on")
    first, last = int(rows.queries.as_of.min()), int(rows.queries.as_of.max())
    day = timedelta(days=1) // timedelta(microseconds=1)
    return int(first + (last - first) * (1 - test_share)) // day * day


def _typical(columns: Matrix) -> tuple[float, ...]:
    """The median of each column, 0 for one that is all missing."""
    padded = np.where(np.isnan(columns).all(axis=0), np.float32(0), columns)
    return tuple(float(v) for v in np.nanmedian(padded, axis=0))


def _importance(model: Model) -> dict[str, float]:
    gains = model.booster.get_score(importance_type="total_gain")
    total = sum(gains.values()) or 1.0
    return {name: float(gains.get(f"f{i}", 0.0)) / total for i, name in enumerate(model.sidecar.columns)}


def _date(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment / 1e6, UTC):%Y-%m-%d %H:%M} UTC"
