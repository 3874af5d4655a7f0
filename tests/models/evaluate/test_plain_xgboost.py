"""Plain XGBoost as a baseline, and the words that compare the model with it."""

import numpy as np
import pytest

from models.evaluate.metrics import Baseline, Figure, figures
from models.evaluate.plain_xgboost import plain_xgboost
from models.evaluate.report import baseline_words, gain_words


def test_it_ranks_and_calibrates_what_its_columns_tell() -> None:
    rng = np.random.default_rng(0)
    matrix = rng.normal(0, 1, (6000, 3)).astype(np.float32)
    matrix[rng.random(6000) < 0.2, 2] = np.nan
    true = 1 / (1 + np.exp(2 - 2 * matrix[:, 0] * (matrix[:, 1] > 0)))
    labels = (rng.random(6000) < true).astype(float)
    as_of = rng.permutation(6000)
    scores = plain_xgboost(matrix[:4000], labels[:4000], as_of[:4000], matrix[4000:], seed=0)
    ours, best = (figures(labels[4000:], values)["roc_auc"].value for values in (scores, true[4000:]))
    assert ours > best - 0.02
    assert scores.mean() == pytest.approx(labels[4000:].mean(), abs=0.03)


@pytest.mark.parametrize(
    ("gain", "words"),
    [
        (Figure(0.02, 0.01, 0.03), "better (+0.020, +0.010 to +0.030)"),
        (Figure(0.01, -0.01, 0.03), "not shown to be better (+0.010, -0.010 to +0.030)"),
        (Figure(-0.02, -0.03, -0.01), "worse (-0.020, -0.030 to -0.010)"),
        (Figure(float("nan")), "not shown to be better"),
    ],
)
def test_a_gain_is_told_by_its_interval(gain: Figure, words: str) -> None:
    assert gain_words(gain, "better", "not shown to be better", "worse") == words
    baseline = Baseline({"roc_auc": Figure(0.7)}, gain, gain)
    expected = f"The plain XGBoost reaches ROC AUC 0.700, the model 0.720: it is {words}."
    assert baseline_words("plain_xgboost", baseline, Figure(0.72)) == expected
    assert "not enough data" in baseline_words("plain_xgboost", Baseline({}, gain, gain), None)
