"""Folds in time order inside the training window, each binned for XGBoost once, whatever is tried on them."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import xgboost as xgb

from domain.errors import NotEnoughData
from features.as_of.prior_estimation import estimate_priors
from features.base.array_types import Ints, Matrix, Values
from models.artifact import matrix
from models.examples.rows import Examples
from models.learners.boosting import MOST_WATCHED, Params, Shape, binned, plain
from models.learners.logistic import fit_linear
from models.train.fitting import Request, design, shape_of
from models.train.held_out import MIN_OUTCOMES, MIN_TEST_OUTCOMES, check

FIRST_SHARE = 0.3
"""Of the examples, by date: what the first fold may learn from at most. The folds divide the rest."""

MOST_EXAMPLES = 100_000
"""Examples that the parameters are searched on: more change the order of the trials little, and cost their number."""


@dataclass(frozen=True)
class Fold:
    """Places of the examples that teach and of the later ones that judge: (n,) each, and where the latter begin."""

    teach: Ints
    judge: Ints
    begins: int


def folds_of(as_of: Ints, known_at: Ints, labels: Values, n_folds: int = 3) -> tuple[Fold, ...]:
    """Folds in time order: a fold learns from labels known before the examples that judge it begin, and from no other.

    `as_of`, `known_at` in UTC microseconds and 0/1 `labels`, (examples,) each. A fold with too few outcomes on either
    side is left out. Source: Lopez de Prado 2018, Advances in Financial Machine Learning, chapter 7 (purging).
    Raises NotEnoughData where no fold is left.
    """
    edges = np.quantile(as_of, np.linspace(FIRST_SHARE, 1, n_folds + 1)).astype(np.int64)
    edges[-1] = int(as_of.max(initial=0)) + 1
    found = [
        Fold(np.flatnonzero(known_at < begins), np.flatnonzero((as_of >= begins) & (as_of < ends)), int(begins))
        for begins, ends in pairwise(edges)
    ]
    kept = tuple(fold for fold in found if _has_both(labels, fold))
    if not kept:
        raise NotEnoughData(
            f"no fold of the {labels.size} finished examples has {MIN_OUTCOMES // 2} outcomes of each kind to learn "
            f"from and {MIN_TEST_OUTCOMES} later ones: bring more history, or train with the default parameters."
        )
    return kept


def _has_both(labels: Values, fold: Fold) -> bool:
    return all(
        min(labels[rows].sum(), rows.size - labels[rows].sum()) >= least
        for rows, least in ((fold.teach, MIN_OUTCOMES // 2), (fold.judge, MIN_TEST_OUTCOMES))
    )


@dataclass(frozen=True)
class Problem:
    """What parameters are searched for: a design matrix (examples, columns), labels, folds, and where to begin.

    `start` are the parameters tried first, with the seed; `shape` the known signs of the columns.
    """

    design: Matrix = field(repr=False)
    labels: Values = field(repr=False)
    folds: tuple[Fold, ...] = field(repr=False)
    start: Params
    shape: Shape

    @property
    def fixed(self) -> Params:
        """What no trial changes, as XGBoost takes it: the constraints, the loss and the seed."""
        return plain(self.start, self.shape) | {"eval_metric": "logloss"}

    def binned(self) -> Iterator["Binned"]:
        """Each fold, the values put into bins once: the first in time, which is the smallest, first."""
        for fold in self.folds:
            yield _bin(self, fold)


@dataclass(frozen=True)
class Binned:
    """A fold as XGBoost reads it, both parts starting from the straight line that was fitted to the first.

    `n_judged` is the number of examples that judge, of which at most MOST_WATCHED are looked at.
    """

    teach: xgb.QuantileDMatrix
    judge: xgb.DMatrix
    n_judged: int


def _bin(problem: Problem, fold: Fold) -> Binned:
    design, labels = problem.design[fold.teach], problem.labels[fold.teach]
    line = fit_linear(design, labels, problem.shape.signs, problem.shape.n_periods, int(problem.start["seed"]))
    teach = binned(design, labels, line)
    seen = fold.judge[:: -(-fold.judge.size // MOST_WATCHED)]
    later = problem.design[seen]
    judge = xgb.DMatrix(later, problem.labels[seen], base_margin=line.log_odds(later))
    return Binned(teach, judge, fold.judge.size)


def problem_of(request: Request, n_folds: int = 3, most: int = MOST_EXAMPLES) -> Problem:
    """The problem of a training: its examples known before the cut, thinned to all those of some tutors.

    Shrinkage and the order of categories are those of the whole window, as the model that is trained in the end has
    them; every trial is helped alike. Raises NotEnoughData.
    """
    examples = request.examples(request.cut)
    check("known before the cut to tune on", examples.label, MIN_OUTCOMES)
    examples = thinned(examples, most, request.seed)
    priors = estimate_priors(request.history, request.cut)
    attributes = matrix.specify_attributes(request.history, examples.queries, examples.row_label, priors)
    rows = matrix.build(request.columns, attributes, request.history, examples.queries, priors)
    folds = folds_of(examples.as_of, examples.known_at, examples.label, n_folds)
    shape = shape_of(request, len(attributes))
    return Problem(design(rows, examples), examples.label, folds, request.settings, shape)


def thinned(examples: Examples, most: int, seed: int) -> Examples:
    """All examples of some tutors, drawn by the seed, so that about `most` are left."""
    share = most / max(len(examples), 1)
    if share >= 1:
        return examples
    tutors = examples.queries.tutor
    drawn = np.random.default_rng(seed).random(int(tutors.max()) + 1) < share
    rows = np.flatnonzero(drawn[tutors])
    place = np.cumsum(drawn[tutors]) - 1
    kept = np.flatnonzero(drawn[tutors][examples.row])
    period = None if examples.period is None else examples.period[kept]
    return replace(
        examples,
        queries=examples.queries.at(rows),
        row=place[examples.row[kept]],
        label=examples.label[kept],
        known_at=examples.known_at[kept],
        period=period,
    )
