"""Baselines that a model must beat, each fitted on the training rows only."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from domain.vocabulary import Task
from features.as_of.prior_estimation import fit_prior
from features.as_of.queries import Queries
from features.base.array_types import Matrix, Values
from features.base.stream import Stream, StreamView
from features.history.history import History

PHASE_1_LIMIT = 0.15
PHASE_1_WINDOW = timedelta(days=30)
"""The first rule in use: call a tutor who moved more than this share of the sessions in this window."""

MOST_ROWS = 100_000
"""Rows that the logistic regression is fitted to; more do not change its coefficients materially."""

_GROUPS = 20
_REACH = 8.0
_PART = 50_000


@dataclass(frozen=True)
class BaselineRows:
    """Queries (rows,) and the matrix that the model reads for them (rows, columns)."""

    queries: Queries
    matrix: Matrix


def baselines(
    task: Task, history: History, train: BaselineRows, labels: Values, test: BaselineRows, seed: int = 0
) -> dict[str, Values]:
    """Returns the probabilities of the test rows by baseline, (test rows,) each. `labels` are 0/1, (training rows,).

    `base_rate` is one value for all rows, `phase_1_rule` depends on whether the rule calls the tutor, `own_rate` on the
    tutor's own past, and `logistic_regression` on all columns.
    """
    own = own_no_show_rate if task is Task.NO_SHOW else own_departure_rate
    return {
        "base_rate": np.full(len(test.queries), labels.mean()),
        "phase_1_rule": phase_1_rule(history, train.queries, labels, test.queries),
        "own_rate": own(history, train.queries, labels, test.queries),
        "logistic_regression": logistic_regression(train.matrix, labels, test.matrix, seed),
    }


def phase_1_rule(history: History, train: Queries, labels: Values, test: Queries) -> Values:
    """Returns the training rows' share of positives among called, or among other, tutors: (test rows,)."""
    rates = [_reschedule_rate(history, queries) for queries in (train, test)]
    return by_group(rates[0], labels, rates[1], np.array([PHASE_1_LIMIT]))


def _reschedule_rate(history: History, queries: Queries) -> Values:
    """Returns the share of finished or moved sessions that the tutor moved, (rows,); NaN where there were none."""
    moved = _view(history.reschedules, queries).total("by_tutor", PHASE_1_WINDOW.days)
    sessions = np.maximum(_view(history.outcomes, queries).count(PHASE_1_WINDOW.days), moved)
    return np.asarray(np.divide(moved, sessions, out=np.full(moved.size, np.nan), where=sessions > 0))


def own_no_show_rate(history: History, train: Queries, labels: Values, test: Queries) -> Values:
    """Returns the tutor's share of missed sessions so far, (test rows,).

    The prior is estimated from all tutors as of the last training row.
    """
    tutors = np.arange(history.n_tutors)
    last = StreamView(history.outcomes, tutors, np.full(tutors.size, train.as_of.max()))
    prior = fit_prior(last.total("missed"), last.total("labelled"))
    past = _view(history.outcomes, test)
    return np.asarray(prior.shrink(past.total("missed"), past.total("labelled")))


def own_departure_rate(history: History, train: Queries, labels: Values, test: Queries) -> Values:
    """Returns the share that left among tutors with as long a time since the last session, (test rows,).

    This is a life table with one clock.
    """
    since = [_view(history.deliveries, queries).hours_since_last() for queries in (train, test)]
    return by_group(since[0], labels, since[1], _borders(since[0]))


def _view(stream: Stream, queries: Queries) -> StreamView:
    return StreamView(stream, queries.tutor, queries.as_of)


def _borders(values: Values) -> Values:
    """Returns the borders of groups of about equal size; missing values form a separate group."""
    some = values[~np.isnan(values)]
    return np.unique(np.quantile(some, np.arange(1, _GROUPS) / _GROUPS)) if some.size else np.zeros(0)


def by_group(train: Values, labels: Values, test: Values, borders: Values) -> Values:
    """Returns the training share of positives in each test row's group, shrunk to the overall share: (test rows,).

    A value above a border belongs to the next group, missing values to the last. The strength of the shrinkage is
    estimated from the groups.
    """
    groups, test_groups = (_group(values, borders) for values in (train, test))
    rows = np.bincount(groups, minlength=borders.size + 2).astype(np.float64)
    positives = np.bincount(groups, labels, minlength=borders.size + 2).astype(np.float64)
    return np.asarray(fit_prior(positives, rows).shrink(positives, rows)[test_groups])


def _group(values: Values, borders: Values) -> NDArray[np.int64]:
    return np.where(np.isnan(values), borders.size + 1, np.searchsorted(borders, values, side="left"))


def logistic_regression(train: Matrix, labels: Values, test: Matrix, seed: int = 0) -> Values:
    """Returns the probabilities of the test rows by logistic regression on standardised columns, (test rows,).

    A missing value takes the mean; a separate 0/1 column marks it as missing.
    """
    from sklearn.linear_model import LogisticRegression  # takes a second to import, and no service needs it

    rows = np.arange(len(train))
    if rows.size > MOST_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST_ROWS, replace=False))
    scale = _Scale.of(train[rows])
    fitted = LogisticRegression(solver="newton-cholesky", max_iter=50)
    fitted.fit(scale.standardised(train[rows]), labels[rows])
    parts = [test[begin : begin + _PART] for begin in range(0, len(test), _PART)]
    return np.concatenate([fitted.predict_proba(scale.standardised(part))[:, 1] for part in parts])


@dataclass(frozen=True)
class _Scale:
    """Masks of columns that vary and that have gaps; mean and spread of the varying ones, (varying columns,) each."""

    varies: NDArray[np.bool_]
    gaps: NDArray[np.bool_]
    mean: Values
    spread: Values

    @classmethod
    def of(cls, rows: Matrix) -> "_Scale":
        missing = np.isnan(rows)
        n = np.maximum((~missing).sum(axis=0), 1)
        mean = np.where(missing, 0, rows).sum(axis=0, dtype=np.float64) / n
        spread = np.sqrt(np.where(missing, 0, (rows - mean) ** 2).sum(axis=0) / n)
        varies = spread > 0
        gaps = np.asarray(missing.any(axis=0) & ~missing.all(axis=0))
        return cls(varies, gaps, mean[varies], spread[varies])

    def standardised(self, rows: Matrix) -> Values:
        """Returns the columns in standard deviations, clipped, and 0/1 columns of the missing values."""
        values = np.nan_to_num((rows[:, self.varies] - self.mean) / self.spread, nan=0.0)
        return np.column_stack([np.clip(values, -_REACH, _REACH), np.isnan(rows[:, self.gaps])])
