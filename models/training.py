"""Split by the calendar, fit, calibrate on a later window, evaluate on the last."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from domain.errors import NotEnoughData
from features.columns import Feature
from features.history import History
from features.priors import estimate_priors
from models import calibration, matrix
from models.artifact import Matrix, Model, Task, seal
from models.evaluation import Evaluation, curves, figures_with_intervals
from models.rows import Rows
from models.tutor_risk import calibrate_tutors

MIN_OUTCOMES = 30
CALIBRATION_SHARE = 0.25

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
        "min_child_weight": 15,
        "subsample": 0.7,
        "colsample_bytree": 0.6,
        "lambda": 10.0,
    },
}


@dataclass(frozen=True)
class Training:
    """What a training gave: the model, its evaluation on the last window, and what a log wants to keep."""

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

    Of the known rows, those as of `calibrate_from` and later calibrate a model fitted on labels known before it.
    """

    known: Rows
    test: Rows
    calibrate_from: int


def split(rows: Rows, cut: int) -> Split:
    """Split at the cut (UTC microseconds). The label's horizon is the gap: no label known later trains.

    Raises NotEnoughData where a part has too few outcomes of either class.
    """
    known = rows.where(rows.known_at < cut)
    _check(f"known before {_date(cut)}", known)
    calibrate_from = int(np.quantile(known.queries.as_of, 1 - CALIBRATION_SHARE))
    _check(f"known before {_date(calibrate_from)}", known.where(known.known_at < calibrate_from))
    _check(f"from {_date(calibrate_from)} to calibrate on", known.where(known.queries.as_of >= calibrate_from))
    test = rows.where(rows.queries.as_of >= cut)
    _check(f"from {_date(cut)} to test on", test)
    return Split(known, test, calibrate_from)


def _check(purpose: str, rows: Rows) -> None:
    positives = int(rows.label.sum())
    rarer = min(positives, len(rows) - positives)
    if rarer < MIN_OUTCOMES:
        raise NotEnoughData(
            f"{len(rows)} finished rows {purpose}, {positives} of them positive: at least {MIN_OUTCOMES} of each outcome are "
            f"needed. Bring more history or move the cut."
        )


def train(
    task: Task,
    history: History,
    rows: Rows,
    cut: int,
    seed: int,
    fingerprint: str = "",
    truth: NDArray[np.float64] | None = None,
    features: Sequence[Feature] | None = None,
    intervals: int = 200,
) -> Training:
    """Train and evaluate a model on labels known before the cut.

    `truth` (rows,) holds the true probabilities of simulated data, for the ceiling. `features` default to the
    task's own. `intervals` is the number of bootstrap draws.
    """
    parts = split(rows, cut)
    chosen = tuple(features or matrix.features_of(task))
    priors = estimate_priors(history, cut)
    attributes = matrix.specify_attributes(history, parts.known.queries, parts.known.label, priors)

    def columns(part: Rows) -> Matrix:
        return matrix.build(chosen, attributes, history, part.queries, priors)

    params = DEFAULT_PARAMS[task] | {"seed": seed}
    known_matrix = columns(parts.known)
    earlier = parts.known.known_at < parts.calibrate_from
    later = parts.known.queries.as_of >= parts.calibrate_from
    trial = fit(known_matrix[earlier], parts.known.label[earlier], params)
    calibrated = calibration.fit(
        _margins(trial, known_matrix[later]), parts.known.label[later], parts.known.queries.tutor[later]
    )
    # The calibrator is learnt on rows the trial model never saw; the model served has then seen them too,
    # because the latest weeks say most about the next ones.
    booster = fit(known_matrix, parts.known.label, params)
    model = seal(
        booster,
        task=task,
        features=tuple(f.name for f in chosen),
        attributes=tuple(attributes),
        priors=priors,
        calibration=calibrated,
        base_rate=float(parts.known.label.mean()),
        typical=_typical(known_matrix),
        known_before=datetime.fromtimestamp(cut / 1e6, UTC),
        data_fingerprint=fingerprint,
    )
    margins = model.margins(columns(parts.test))
    return Training(
        model=model,
        evaluation=evaluate(model, margins, parts.test, seed, _aligned(truth, rows, cut), intervals),
        n_train=len(parts.known),
        params=params,
        importance=_importance(booster, model),
        sample=known_matrix[:5],
        margins=margins,
        test=parts.test,
    )


def with_tutor_risk(model: Model, history: History, calibrate_from: int, cut: int) -> Model:
    """The same no-show model with its 14-day tutor risk calibrated on dates between the two moments."""
    found = calibrate_tutors(model, history, calibrate_from, cut)
    return Model(model.ubj, model.sidecar.model_copy(update={"tutor_calibration": found}))


def fit(matrix_: Matrix, labels: NDArray[np.float64], params: Params) -> xgb.Booster:
    """XGBoost on a matrix (rows, columns) and 0/1 labels (rows,)."""
    settings = {name: value for name, value in params.items() if name != "rounds"}
    return xgb.train(settings, xgb.QuantileDMatrix(matrix_, labels), num_boost_round=int(params["rounds"]))


def evaluate(
    model: Model,
    margins: NDArray[np.float64],
    test: Rows,
    seed: int,
    truth: NDArray[np.float64] | None = None,
    intervals: int = 200,
) -> Evaluation:
    """Figures of the calibrated scores on the test rows, and of the true probabilities where they are known."""
    scores, clusters = model.sidecar.calibration.probability(margins), test.queries.tutor
    ceiling = None if truth is None else figures_with_intervals(test.label, truth, clusters, seed, intervals)
    return Evaluation(
        n_test=len(test),
        base_rate=float(test.label.mean()),
        figures=figures_with_intervals(test.label, scores, clusters, seed, intervals),
        curves=curves(test.label, scores),
        ceiling=ceiling,
    )


def default_cut(rows: Rows, test_share: float = 0.3) -> int:
    """The cut that leaves the last share of days for the test: UTC microseconds at midnight."""
    first, last = int(rows.queries.as_of.min()), int(rows.queries.as_of.max())
    day = timedelta(days=1) // timedelta(microseconds=1)
    return int(first + (last - first) * (1 - test_share)) // day * day


def _aligned(truth: NDArray[np.float64] | None, rows: Rows, cut: int) -> NDArray[np.float64] | None:
    return None if truth is None else truth[rows.queries.as_of >= cut]


def _margins(booster: xgb.Booster, matrix_: Matrix) -> NDArray[np.float64]:
    found = booster.inplace_predict(matrix_, predict_type="margin", validate_features=False)
    return np.asarray(found, dtype=np.float64)


def _typical(matrix_: Matrix) -> tuple[float, ...]:
    """The median of each column, 0 for one that is all missing."""
    padded = np.where(np.isnan(matrix_).all(axis=0), np.float32(0), matrix_)
    return tuple(float(v) for v in np.nanmedian(padded, axis=0))


def _importance(booster: xgb.Booster, model: Model) -> dict[str, float]:
    gains = booster.get_score(importance_type="total_gain")
    total = sum(gains.values()) or 1.0
    return {name: float(gains.get(f"f{i}", 0.0)) / total for i, name in enumerate(model.sidecar.columns)}


def _date(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment / 1e6, UTC):%Y-%m-%d %H:%M} UTC"

