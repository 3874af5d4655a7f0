"""Folds in time order within the training window, each binned for XGBoost once and shared by all trials."""

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
"""Largest share of the examples, by date, that the first fold is fitted to. The folds divide the rest."""

MOST_EXAMPLES = 100_000
"""Most examples in a search: more hardly change the ranking of the trials and reduce their number."""


@dataclass(frozen=True)
class Fold:
    """Indices of the training and of the later validation examples, (n,) each, and the moment the latter begin."""

    teach: Ints
    judge: Ints
    begins: int


def folds_of(as_of: Ints, known_at: Ints, labels: Values, n_folds: int = 3) -> tuple[Fold, ...]:
    """Returns folds in time order, each fitted only to labels known before its validation examples begin.

    `as_of`, `known_at` in UTC microseconds and 0/1 `labels`, (examples,) each. A fold with too few outcomes on either
    side is excluded. Source: Lopez de Prado 2018, Advances in Financial Machine Learning, chapter 7 (purging).
    Raises NotEnoughData where no fold is left.
    """
    edges = np.quantile(as_of, np.linspace(FIRST_SHARE, 1, n_folds + 1)).astype(np.int64)
    edges[-1] = int(as_of.max(initial=0)) + 1
    folds = [
        Fold(np.flatnonzero(known_at < begins), np.flatnonzero((as_of >= begins) & (as_of < ends)), int(begins))
        for begins, ends in pairwise(edges)
    ]
    kept = tuple(fold for fold in folds if _has_both(labels, fold))
    if not kept:
        raise NotEnoughData(
            f"no fold of the {labels.size} finished examples has {MIN_OUTCOMES // 2} outcomes of each kind to fit "
            f"to and {MIN_TEST_OUTCOMES} later ones: import more history, or train with the default parameters."
        )
    return kept


def _has_both(labels: Values, fold: Fold) -> bool:
    return all(
        min(labels[rows].sum(), rows.size - labels[rows].sum()) >= least
        for rows, least in ((fold.teach, MIN_OUTCOMES // 2), (fold.judge, MIN_TEST_OUTCOMES))
    )


@dataclass(frozen=True)
class TuningData:
    """Data of a parameter search: design matrix (examples, columns), labels, folds and first parameters.

    `start` are the parameters of the first trial, with the seed; `shape` holds the known signs of the columns.
    """

    design: Matrix = field(repr=False)
    labels: Values = field(repr=False)
    folds: tuple[Fold, ...] = field(repr=False)
    start: Params
    shape: Shape

    @property
    def fixed(self) -> Params:
        """XGBoost parameters common to all trials: constraints, loss and seed."""
        return plain(self.start, self.shape) | {"eval_metric": "logloss"}

    def binned(self) -> Iterator["Binned"]:
        """Yield each fold binned, in time order, which is by size."""
        for fold in self.folds:
            yield _bin(self, fold)


@dataclass(frozen=True)
class Binned:
    """A fold for XGBoost, both parts with the linear part fitted to the first as base margin.

    `n_judged` is the number of validation examples, of which at most MOST_WATCHED are evaluated.
    """

    teach: xgb.QuantileDMatrix
    judge: xgb.DMatrix
    n_judged: int


def _bin(data: TuningData, fold: Fold) -> Binned:
    design, labels = data.design[fold.teach], data.labels[fold.teach]
    line = fit_linear(design, labels, data.shape.signs, data.shape.n_periods, int(data.start["seed"]))
    teach = binned(design, labels, line)
    seen = fold.judge[:: -(-fold.judge.size // MOST_WATCHED)]
    later = data.design[seen]
    judge = xgb.DMatrix(later, data.labels[seen], base_margin=line.log_odds(later))
    return Binned(teach, judge, fold.judge.size)


def tuning_data(request: Request, n_folds: int = 3, most: int = MOST_EXAMPLES) -> TuningData:
    """Returns the examples of a training known before the cut, thinned to a sample of tutors.

    Shrinkage and the order of categories are estimated on the whole window, as for the final model, which favours all
    trials equally. Raises NotEnoughData.
    """
    examples = request.examples(request.cut)
    check("known before the cut to tune on", examples.label, MIN_OUTCOMES)
    examples = thinned(examples, most, request.seed)
    priors = estimate_priors(request.history, request.cut)
    attributes = matrix.specify_attributes(request.history, examples.queries, examples.row_label, priors)
    groups = request.groups(request.cut)
    rows = matrix.build(request.columns, attributes, request.history, examples.queries, priors, groups)
    folds = folds_of(examples.as_of, examples.known_at, examples.label, n_folds)
    shape = shape_of(request, len(attributes), groups)
    return TuningData(design(rows, examples), examples.label, folds, request.settings, shape)


def thinned(examples: Examples, most: int, seed: int) -> Examples:
    """Returns all examples of tutors drawn by the seed, about `most` examples."""
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
