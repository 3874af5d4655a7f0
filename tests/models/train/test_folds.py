import numpy as np
import pytest

from domain.errors import NotEnoughData
from domain.vocabulary import Task
from features.history.history import History
from flows.train import request_of
from models.train.folds import folds_of, thinned, tuning_data
from tests.lib.markets import market


def test_a_fold_learns_only_from_labels_known_before_it_is_judged() -> None:
    rng = np.random.default_rng(0)
    as_of = np.sort(rng.integers(0, 10**6, 4000))
    known_at = as_of + rng.integers(0, 2 * 10**5, 4000)
    folds = folds_of(as_of, known_at, rng.integers(0, 2, 4000).astype(float))
    assert len(folds) == 3
    for fold in folds:
        assert known_at[fold.teach].max() < as_of[fold.judge].min()
        assert fold.teach.size == (known_at < fold.begins).sum()
    judged = np.concatenate([fold.judge for fold in folds])
    assert np.array_equal(judged, np.arange(judged[0], 4000))


def test_folds_without_outcomes_of_both_kinds_are_refused_in_words() -> None:
    as_of = np.arange(1000)
    with pytest.raises(NotEnoughData, match="no fold of the 1000 finished examples has 100 outcomes of each kind"):
        folds_of(as_of, as_of, (as_of < 50).astype(float))


def test_thinning_keeps_all_examples_of_some_tutors() -> None:
    history = History(market().dataset)
    examples = request_of(Task.CHURN, history, seed=1).examples(2**62)
    few = thinned(examples, len(examples) // 4, seed=1)
    assert 0.1 < len(few) / len(examples) < 0.5
    for tutor in np.unique(few.queries.tutor):
        mine, all_of_it = few.tutor == tutor, examples.tutor == tutor
        assert np.array_equal(few.label[mine], examples.label[all_of_it])
        assert np.array_equal(few.as_of[mine], examples.as_of[all_of_it])


def test_the_problem_of_a_market_has_the_columns_of_its_task_and_begins_before_the_cut() -> None:
    request = request_of(Task.NO_SHOW, History(market().dataset), seed=1)
    found = tuning_data(request, most=20_000)
    assert found.design.shape[1] == len(found.shape.signs) >= len(request.columns)
    assert 12_000 < len(found.labels) < 28_000
    assert all(fold.begins < request.cut for fold in found.folds)
