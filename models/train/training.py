"""Training: fit up to a cut, evaluate on later rows, refit on all data."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from domain.errors import NotEnoughData
from domain.vocabulary import Task
from features.base.array_types import Matrix, Values
from features.base.stream import MICROSECONDS_A_DAY
from features.columns.group_rates import RATES
from models.artifact import matrix
from models.artifact.model import Model
from models.evaluate.baselines import BaselineRows, baselines
from models.evaluate.metrics import Evaluation, compare, curves, figures_with_intervals
from models.evaluate.removals import COMPUTED, Removals, removals_of
from models.evaluate.rolling import WEEKS, Scored, origins_of, rolling
from models.evaluate.slices import groups_of, slice_figures
from models.evaluate.tiers import tiers
from models.examples.rows import Rows, data_span
from models.learners.boosting import Params
from models.score.tutor_risk import TutorFigures, evaluate_tutors
from models.train.attribute_leaks import later_alarms
from models.train.fitting import FittedModel, Request, fit
from models.train.held_out import MIN_TEST_OUTCOMES, check, window
from models.train.leaks import Labelled, check_leaks, origin_alarms

MOST_ROWS = 100_000
"""Most rows to which the models of the rolling origins are fitted."""

MOST_TRIED = 15
"""Features of the largest importance whose removal is tried."""

MOST_EXPLAINED = 2_000
"""Approximate number of test rows behind the importance of columns."""


@dataclass(frozen=True)
class Training:
    """Result of a training: the model to serve, the evaluated model and its evaluation.

    `evaluated` is fitted to labels known before the cut; `model` is the same recipe fitted to all data, or
    `evaluated` itself without a refit. `scores` (test rows,) are the calibrated probabilities of `evaluated` on `test`,
    `true` those of the simulator; `sample` is five rows of the matrix.
    """

    model: Model
    evaluated: Model
    evaluation: Evaluation
    n_train: int
    n_censored: int
    params: Params
    importance: dict[str, float]
    sample: Matrix
    scores: Values = field(repr=False)
    test: Rows = field(repr=False)
    true: Values | None = field(repr=False, default=None)


def later_rows(request: Request) -> NDArray[np.bool_]:
    """Returns a mask of the test rows, as of the cut and later, (rows,). Raises NotEnoughData for too few outcomes."""
    later = request.rows.queries.as_of >= request.cut
    check("to test on", request.rows.label[later], MIN_TEST_OUTCOMES)
    return np.asarray(later)


def train(request: Request) -> Training:
    """Train and evaluate a model. Raises NotEnoughData, LeakSuspected."""
    window(request.examples(request.cut), request.cut)  # raises NotEnoughData before anything is fitted
    later = later_rows(request)
    overridden = check_leaks(later_alarms(request.history) if request.task is Task.NO_SHOW else (), request.reasons)
    test, true = request.rows.where(later), None if request.truth is None else request.truth[later]
    request.on_step("fit to the outcomes known before the cut")
    fitted = fit(request, request.cut)
    overridden += fitted.overridden
    request.on_step("measure on the later rows")
    rows = BaselineRows(test.queries, matrix.matrix_of(fitted.model.sidecar, request.history, test.queries))
    scores = fitted.model.probabilities(rows.matrix)
    importance = _importance(fitted.model, rows.matrix)
    removals, unconfirmed = _removals(request, fitted.model, Labelled(rows.matrix, test.label), importance)
    evaluation = evaluate(request, fitted, test, rows, scores, true)
    evaluation = replace(evaluation, removals=removals, unconfirmed=unconfirmed)
    trained, tested = Labelled(fitted.matrix, fitted.examples.row_label), Labelled(rows.matrix, test.label)
    compared = evaluation.figures["roc_auc"], evaluation.origins, fitted.model.sidecar.columns, trained, tested
    overridden += check_leaks(origin_alarms(*compared), request.reasons)
    if request.refit:
        request.on_step("fit to all known outcomes")
    serves = fit(request, data_span(request.history)[1] + 1) if request.refit else fitted
    evaluation = replace(evaluation, overridden=tuple(dict.fromkeys(overridden + serves.overridden)))
    return Training(
        model=serves.model,
        evaluated=fitted.model,
        evaluation=evaluation,
        n_train=len(fitted.examples),
        n_censored=fitted.examples.censored,
        params=fitted.model.sidecar.params,
        importance=importance,
        sample=fitted.matrix[:5],
        scores=scores,
        test=test,
        true=true,
    )


def evaluate(
    request: Request, fitted: FittedModel, test: Rows, rows: BaselineRows, scores: Values, true: Values | None
) -> Evaluation:
    """Returns the evaluation on the test rows, with that of the true probabilities where they are known."""
    tutors, seed, repeats = test.queries.tutor, request.seed, request.repeats
    groups = groups_of(request.history, test.queries)
    tutor_risk = _tutor_figures(request, fitted.model)
    return Evaluation(
        n_test=len(test),
        base_rate=float(test.label.mean()),
        figures=figures_with_intervals(test.label, scores, tutors, seed, repeats),
        curves=curves(test.label, scores, tutors),
        ceiling=None if true is None else figures_with_intervals(test.label, true, tutors, seed, repeats),
        tutor_figures=tutor_risk.figures,
        tutor_ceiling=tutor_risk.ceiling,
        tiers=tutor_risk.tiers or tiers(None, scores, test.label, tutors, seed, true, repeats),
        slices=slice_figures(groups, test.label, scores, tutors, seed, repeats),
        baselines=compare(test.label, scores, _baselines(request, fitted, rows), tutors, seed, repeats),
        origins=rolling(lambda cut: _at_origin(request, cut), _origins(request), seed, repeats),
        fallback=fallback.in_words() if (fallback := fitted.model.sidecar.fallback) else "",
    )


def _tutor_figures(request: Request, model: Model) -> TutorFigures:
    if model.sidecar.tutor_calibration is None:
        return TutorFigures()
    end, truth = int(request.rows.known_at.max()) + 1, request.session_truth
    return evaluate_tutors(model, request.history, request.cut, end, request.seed, request.repeats, truth)


def _baselines(request: Request, fitted: FittedModel, test: BaselineRows) -> dict[str, Values]:
    known = request.rows.where(request.rows.known_at < request.cut)
    same = len(known) == len(fitted.matrix)
    rows = fitted.matrix if same else matrix.matrix_of(fitted.model.sidecar, request.history, known.queries)
    return baselines(request.task, request.history, BaselineRows(known.queries, rows), known.label, test, request.seed)


def _origins(request: Request) -> tuple[int, ...]:
    return origins_of(request.rows.known_at, request.cut, request.origins) if request.origins else ()


def _at_origin(request: Request, cut: int) -> Scored:
    """Score the rows of the weeks after an origin with a model fitted to the labels known then."""
    request.on_step(f"train and measure at an earlier cut, {datetime.fromtimestamp(cut / 1e6, UTC):%Y-%m-%d}")
    earlier = replace(request, rows=_thinned(request.rows, request.seed), cut=cut, tutor_risk=False)
    model = fit(earlier, cut).model
    after = request.rows.where(
        (request.rows.queries.as_of >= cut) & (request.rows.queries.as_of < cut + WEEKS * 7 * MICROSECONDS_A_DAY)
    )
    scores = model.probabilities(matrix.matrix_of(model.sidecar, request.history, after.queries))
    return Scored(after.label, scores, after.queries.tutor, after.queries.as_of)


def _thinned(rows: Rows, seed: int) -> Rows:
    """Returns all rows of a sample of tutors, about MOST_ROWS, which suffices to measure the decay."""
    share = MOST_ROWS / max(len(rows), 1)
    if share >= 1:
        return rows
    drawn = np.random.default_rng(seed).random(int(rows.queries.tutor.max()) + 1) < share
    return rows.where(drawn[rows.queries.tutor])


def default_cut(rows: Rows, test_share: float = 0.3) -> int:
    """Returns the cut that leaves the last share of days for the test: UTC microseconds at midnight."""
    if not len(rows):
        raise NotEnoughData("no finished outcome in the data: nothing to train or test on")
    first, last = int(rows.queries.as_of.min()), int(rows.queries.as_of.max())
    day = timedelta(days=1) // timedelta(microseconds=1)
    return int(first + (last - first) * (1 - test_share)) // day * day


def _removals(request: Request, model: Model, test: Labelled, importance: Mapping[str, float]) -> Removals:
    """Returns the removals of the attributes and of the most important features, as `removals_of`."""
    sidecar = model.sidecar
    attributes = {a.name: request.reasons.get(a.name, "") for a in sidecar.attributes}
    of_groups = (spec.name for spec in sidecar.groups for _ in RATES)
    columns = (*sidecar.features, *(a.name for a in sidecar.attributes), *of_groups)
    most_important = [name for name in sorted(importance, key=lambda name: -importance[name]) if name in columns]
    reasons = dict.fromkeys(columns, COMPUTED) | attributes
    tried = {*attributes, *most_important[:MOST_TRIED]}
    return removals_of(model.probabilities, test.matrix, test.labels, columns, reasons, tried, request.seed)


def _importance(model: Model, matrix: Matrix) -> dict[str, float]:
    """Returns each column's share of the mean absolute contributions to these rows (rows, columns)."""
    step = max(len(matrix) // MOST_EXPLAINED, 1)
    moved = np.abs(model.contributions(matrix[::step])[:, :-1]).mean(axis=0)
    shares = moved / max(moved.sum(), 1e-12)
    return dict(zip(model.sidecar.columns, shares.tolist(), strict=True))
