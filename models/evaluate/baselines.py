"""The plain ways to score that a model must beat, each fitted on the training rows only."""

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
"""The first rule in use: a tutor who moved more than this share of the sessions of this time is called."""

MOST_ROWS = 100_000
"""Rows a logistic regression is fitted to: more change no coefficient that matters."""

_GROUPS = 20
_REACH = 8.0
_PART = 50_000


@dataclass(frozen=True)
class Asked:
    """Queries (rows,) and the matrix the model reads of them (rows, columns)."""

    queries: Queries
    matrix: Matrix


def baselines(
    task: Task, history: History, train: Asked, labels: Values, test: Asked, seed: int = 0
) -> dict[str, Values]:
    """Probabilities of the test rows by name of the baseline, (test rows,) each; 0/1 `labels` of the training rows.

    `base_rate`: the same for all. `phase_1_rule`: called or not. `own_rate`: the tutor's own past alone.
    `logistic_regression`: all columns.
    """
    own = own_no_show_rate if task is Task.NO_SHOW else own_departure_rate
    return {
        "base_rate": np.full(len(test.queries), labels.mean()),
        "phase_1_rule": phase_1_rule(history, train.queries, labels, test.queries),
        "own_rate": own(history, train.queries, labels, test.queries),
        "logistic_regression": logistic_regression(train.matrix, labels, test.matrix, seed),
    }


def phase_1_rule(history: History, train: Queries, labels: Values, test: Queries) -> Values:
    """The training rows' share of positives among the called or the others, (test rows,)."""
    rates = [_reschedule_rate(history, queries) for queries in (train, test)]
    return by_group(rates[0], labels, rates[1], np.array([PHASE_1_LIMIT]))


def _reschedule_rate(history: History, queries: Queries) -> Values:
    """Sessions the tutor moved, of those held or moved, (rows,); NaN where there were none."""
    moved = _view(history.reschedules, queries).total("by_tutor", PHASE_1_WINDOW.days)
    sessions = np.maximum(_view(history.outcomes, queries).count(PHASE_1_WINDOW.days), moved)
    return np.asarray(np.divide(moved, sessions, out=np.full(moved.size, np.nan), where=sessions > 0))


def own_no_show_rate(history: History, train: Queries, labels: Values, test: Queries) -> Values:
    """The share of the tutor's sessions missed so far, shrunk as the tutors known at the last training row say."""
    tutors = np.arange(history.n_tutors)
    last = StreamView(history.outcomes, tutors, np.full(tutors.size, train.as_of.max()))
    prior = fit_prior(last.total("missed"), last.total("labelled"))
    past = _view(history.outcomes, test)
    return np.asarray(prior.shrink(past.total("missed"), past.total("labelled")))


def own_departure_rate(history: History, train: Queries, labels: Values, test: Queries) -> Values:
    """How many left among those whose last session was as long ago, (test rows,): a life table with one clock."""
    since = [_view(history.deliveries, queries).hours_since_last() for queries in (train, test)]
    return by_group(since[0], labels, since[1], _borders(since[0]))


def _view(stream: Stream, queries: Queries) -> StreamView:
    return StreamView(stream, queries.tutor, queries.as_of)


def _borders(values: Values) -> Values:
    """Borders of groups of about equal size; missing values have a group of their own."""
    some = values[~np.isnan(values)]
    return np.unique(np.quantile(some, np.arange(1, _GROUPS) / _GROUPS)) if some.size else np.zeros(0)


def by_group(train: Values, labels: Values, test: Values, borders: Values) -> Values:
    """The training rows' share of positives in each test row's group, shrunk toward all of theirs: (test rows,).

    A value above a border is in the next group; missing ones are together in the last. How strongly a small group is
    pulled is estimated from the groups themselves.
    """
    groups, asked = (_group(values, borders) for values in (train, test))
    rows = np.bincount(groups, minlength=borders.size + 2).astype(np.float64)
    positives = np.bincount(groups, labels, minlength=borders.size + 2).astype(np.float64)
    return np.asarray(fit_prior(positives, rows).shrink(positives, rows)[asked])


def _group(values: Values, borders: Values) -> NDArray[np.int64]:
    return np.where(np.isnan(values), borders.size + 1, np.searchsorted(borders, values, side="left"))


def logistic_regression(train: Matrix, labels: Values, test: Matrix, seed: int = 0) -> Values:
    """Probabilities of the test rows by logistic regression on standardised columns, (test rows,).

    A missing value stands at the mean, and a column of its own tells that it was missing.
    """
    from sklearn.linear_model import LogisticRegression  # a second to import, and no service needs it

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
    """Which columns vary, which have gaps, and the mean and spread of those that vary, (varying columns,)."""

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
        """The columns in standard deviations, within reach, and which values were missing."""
        values = np.nan_to_num((rows[:, self.varies] - self.mean) / self.spread, nan=0.0)
        return np.column_stack([np.clip(values, -_REACH, _REACH), np.isnan(rows[:, self.gaps])])
