import numpy as np
import pytest
import xgboost as xgb

from models.learners.tree_margins import walk_of


def _booster(columns: np.ndarray, rounds: int, **params: float) -> xgb.Booster:
    labels = np.nan_to_num(columns).sum(axis=1) > 0
    return xgb.train({"objective": "binary:logistic", **params}, xgb.DMatrix(columns, labels), rounds)


@pytest.mark.parametrize(("depth", "rounds", "start"), [(1, 1, 0.5), (6, 300, 0.5), (10, 40, 0.03)])
def test_walked_trees_give_the_margins_of_xgboost_to_the_bit(depth: int, rounds: int, start: float) -> None:
    rng = np.random.default_rng(depth)
    columns = np.round(rng.normal(size=(500, 20)), 1).astype(np.float32)  # rounded, so that values equal thresholds
    columns[rng.random(columns.shape) < 0.2] = np.nan
    booster = _booster(columns, rounds, max_depth=depth, min_child_weight=0.1, base_score=start)
    expected = booster.inplace_predict(columns, predict_type="margin", validate_features=False)
    for order in ("C", "F"):
        assert walk_of(booster).margins(np.asarray(columns, order=order)).tobytes() == expected.tobytes()
