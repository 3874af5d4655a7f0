from itertools import product

import numpy as np
import pytest
import xgboost as xgb

from models.learners.tree_shap import DEEPEST, forest_of
from tests.lib.explained import model_to_explain, noisy_columns, small_booster


@pytest.mark.parametrize(("depth", "n_columns"), [*product((0, 1, 3, 6, 8), (1, 4, 12))])
def test_the_compiled_contributions_are_those_of_xgboost(depth: int, n_columns: int) -> None:
    columns = noisy_columns(n_columns)
    booster = small_booster(columns, depth, base_score=0.3) if depth else small_booster(columns, 1, 1, gamma=1e9)
    forest = forest_of(booster)
    assert forest is not None
    expected = booster.predict(xgb.DMatrix(columns), pred_contribs=True)
    np.testing.assert_allclose(forest.contributions(columns), expected, atol=2e-5)


def test_trees_too_deep_for_a_table_are_left_to_xgboost() -> None:
    columns = noisy_columns(20)
    booster = small_booster(columns, DEEPEST + 4)
    assert forest_of(booster) is None
    model = model_to_explain(booster, features=("no_show_rate",) * 20)
    expected = booster.predict(xgb.DMatrix(columns), pred_contribs=True)
    np.testing.assert_allclose(model.contributions(columns), expected, atol=2e-5)
