"""Train up to a cut, evaluate on what came after, and fit once more for the model that serves."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from domain.errors import NotEnoughData
from features.base.array_types import Matrix, Values
from features.base.stream import MICROSECONDS_A_DAY
from models.artifact import matrix
from models.artifact.model import Model
from models.evaluate.baselines import BaselineRows, baselines
from models.evaluate.metrics import Evaluation, compare, curves, figures_with_intervals
from models.evaluate.rolling import WEEKS, Scored, origins_of, rolling
from models.evaluate.slices import groups_of, slice_figures
from models.evaluate.tiers import tiers
from models.examples.rows import Rows, data_span
from models.learners.boosting import Params
from models.score.tutor_risk import TutorFigures, evaluate_tutors
from models.train.fitting import Learnt, Request, learn
from models.train.held_out import MIN_TEST_OUTCOMES, check, window
from models.train.leaks import Labelled, check_origins

MOST_ROWS = 100_000
"""Rows that the models of the rolling origins learn from."""

MOST_EXPLAINED = 2_000
"""Test rows behind the importance of columns, about."""


@dataclass(frozen=True)
class Training:
    """What a training gave: the model that serves, the one the figures are about, and what a log wants to keep.

    `evaluated` knew nothing at or after the cut; `model` is the same recipe fitted to all that is known, or the same
    model where no refit was asked for. `scores` (test rows,) are the calibrated probabilities of `evaluated` on
    `test`, `true` those of the simulator; `sample` is five rows of the matrix.
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
    """Which rows test: those as of the cut and later, (rows,). Raises NotEnoughData for too few outcomes."""
    later = request.rows.queries.as_of >= request.cut
    check("to test on", request.rows.label[later], MIN_TEST_OUTCOMES)
    return np.asarray(later)


def train(request: Request) -> Training:
    """Train and evaluate a model. Raises NotEnoughData, LeakSuspected."""
    window(request.examples(request.cut), request.cut)  # too little is said before anything is fitted
    later = later_rows(request)
    test, true = request.rows.where(later), None if request.truth is None else request.truth[later]
    request.on_step("fit to the outcomes known before the cut")
    learnt = learn(request, request.cut)
    request.on_step("measure on the later rows")
    asked = BaselineRows(test.queries, matrix.matrix_of(learnt.model.sidecar, request.history, test.queries))
    scores = learnt.model.probabilities(asked.matrix)
    evaluation = evaluate(request, learnt, test, asked, scores, true)
    trained, tested = Labelled(learnt.matrix, learnt.examples.row_label), Labelled(asked.matrix, test.label)
    check_origins(evaluation.figures["roc_auc"], evaluation.origins, learnt.model.sidecar.columns, trained, tested)
    if request.refit:
        request.on_step("fit to all known outcomes")
    serves = learn(request, data_span(request.history)[1] + 1) if request.refit else learnt
    return Training(
        model=serves.model,
        evaluated=learnt.model,
        evaluation=evaluation,
        n_train=len(learnt.examples),
        n_censored=learnt.examples.censored,
        params=learnt.model.sidecar.params,
        importance=_importance(learnt.model, asked.matrix),
        sample=learnt.matrix[:5],
        scores=scores,
        test=test,
        true=true,
    )


def evaluate(
    request: Request, learnt: Learnt, test: Rows, asked: BaselineRows, scores: Values, true: Values | None
) -> Evaluation:
    """Everything that is measured on the test rows, and of the true probabilities where they are known."""
    of, seed, repeats = test.queries.tutor, request.seed, request.repeats
    groups = groups_of(request.history, test.queries)
    tutors = _tutor_figures(request, learnt.model)
    return Evaluation(
        n_test=len(test),
        base_rate=float(test.label.mean()),
        figures=figures_with_intervals(test.label, scores, of, seed, repeats),
        curves=curves(test.label, scores, of),
        ceiling=None if true is None else figures_with_intervals(test.label, true, of, seed, repeats),
        tutor_figures=tutors.figures,
        tutor_ceiling=tutors.ceiling,
        tiers=tutors.tiers or tiers(None, scores, test.label, of, seed, true, repeats),
        slices=slice_figures(groups, test.label, scores, of, seed, repeats),
        baselines=compare(test.label, scores, _baselines(request, learnt, asked), of, seed, repeats),
        origins=rolling(lambda cut: _at_origin(request, cut), _origins(request), seed, repeats),
    )


def _tutor_figures(request: Request, model: Model) -> TutorFigures:
    if model.sidecar.tutor_calibration is None:
        return TutorFigures()
    end, truth = int(request.rows.known_at.max()) + 1, request.session_truth
    return evaluate_tutors(model, request.history, request.cut, end, request.seed, request.repeats, truth)


def _baselines(request: Request, learnt: Learnt, asked: BaselineRows) -> dict[str, Values]:
    known = request.rows.where(request.rows.known_at < request.cut)
    same = len(known) == len(learnt.matrix)
    rows = learnt.matrix if same else matrix.matrix_of(learnt.model.sidecar, request.history, known.queries)
    return baselines(request.task, request.history, BaselineRows(known.queries, rows), known.label, asked, request.seed)


def _origins(request: Request) -> tuple[int, ...]:
    return origins_of(request.rows.known_at, request.cut, request.origins) if request.origins else ()


def _at_origin(request: Request, cut: int) -> Scored:
    """The rows of the weeks after an origin, scored by a model that knew what was known then."""
    request.on_step(f"train and measure at an earlier cut, {datetime.fromtimestamp(cut / 1e6, UTC):%Y-%m-%d}")
    earlier = replace(request, rows=_thinned(request.rows, request.seed), cut=cut, tutor_risk=False)
    model = learn(earlier, cut).model
    after = request.rows.where(
        (request.rows.queries.as_of >= cut) & (request.rows.queries.as_of < cut + WEEKS * 7 * MICROSECONDS_A_DAY)
    )
    scores = model.probabilities(matrix.matrix_of(model.sidecar, request.history, after.queries))
    return Scored(after.label, scores, after.queries.tutor, after.queries.as_of)


def _thinned(rows: Rows, seed: int) -> Rows:
    """All rows of some tutors, so that there are at most MOST_ROWS: the decay shows on a part as well."""
    share = MOST_ROWS / max(len(rows), 1)
    if share >= 1:
        return rows
    drawn = np.random.default_rng(seed).random(int(rows.queries.tutor.max()) + 1) < share
    return rows.where(drawn[rows.queries.tutor])


def default_cut(rows: Rows, test_share: float = 0.3) -> int:
    """The cut that leaves the last share of days for the test: UTC microseconds at midnight."""
    if not len(rows):
        raise NotEnoughData("no finished outcome in the data: nothing to train or test on")
    first, last = int(rows.queries.as_of.min()), int(rows.queries.as_of.max())
    day = timedelta(days=1) // timedelta(microseconds=1)
    return int(first + (last - first) * (1 - test_share)) // day * day


def _importance(model: Model, matrix: Matrix) -> dict[str, float]:
    """Each column's share of what moves the scores of these rows (rows, columns): mean absolute contributions."""
    step = max(len(matrix) // MOST_EXPLAINED, 1)
    moved = np.abs(model.contributions(matrix[::step])[:, :-1]).mean(axis=0)
    shares = moved / max(moved.sum(), 1e-12)
    return dict(zip(model.sidecar.columns, shares.tolist(), strict=True))
