"""Plain XGBoost on the model's columns: what a careful specialist reaches without the rest of the recipe."""

import numpy as np
import xgboost as xgb

from features.base.array_types import Ints, Matrix, Values

PLAIN_XGBOOST = "plain_xgboost"
"""Name of this baseline."""

PARAMS = {
    "objective": "binary:logistic",
    "eval_metric": "logloss",
    "tree_method": "hist",
    "eta": 0.05,
    "max_depth": 5,
    "min_child_weight": 10,
    "subsample": 0.8,
    "colsample_bytree": 0.8,
}
MOST_ROUNDS, PATIENCE = 500, 30
LATER_SHARE = 0.2
"""Share of the training rows, the latest, that ends the boosting."""

MOST_ROWS = 100_000


def plain_xgboost(train: Matrix, labels: Values, as_of: Ints, test: Matrix, seed: int) -> Values:
    """Returns the probabilities of the test rows, (test rows,).

    Takes the training rows (rows, columns), their 0/1 labels and moments, (rows,) each. The number of rounds is the
    best on the latest rows; there is no calibration.
    """
    rows = np.arange(labels.size)
    if rows.size > MOST_ROWS:
        rows = np.random.default_rng(seed).choice(rows, MOST_ROWS, replace=False)
    rows = rows[np.argsort(as_of[rows], kind="stable")]
    split = int(rows.size * (1 - LATER_SHARE))
    fitted_to = xgb.QuantileDMatrix(train[rows[:split]], labels[rows[:split]])
    later = xgb.QuantileDMatrix(train[rows[split:]], labels[rows[split:]], ref=fitted_to)
    booster = xgb.train(
        PARAMS | {"seed": seed},
        fitted_to,
        num_boost_round=MOST_ROUNDS,
        evals=[(later, "later")],
        early_stopping_rounds=PATIENCE,
        verbose_eval=False,
    )
    best = (0, booster.best_iteration + 1)
    return np.asarray(booster.inplace_predict(test, iteration_range=best, validate_features=False), dtype=np.float64)
