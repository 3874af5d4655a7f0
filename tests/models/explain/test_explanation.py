"""Explanations: they sum to the score, cite the tutor's own numbers, and include the strongest what-if."""

import numpy as np
import xgboost as xgb

from domain.vocabulary import Task
from models.learners import hazard
from models.learners.calibration import Calibration, logit
from models.learners.logistic import fit_linear
from tests.lib.explained import RNG, ROWS, model_to_explain, noisy_columns, small_booster, themes_and_texts


def test_contributions_and_base_sum_to_the_calibrated_log_odds_of_no_show() -> None:
    columns = noisy_columns(3)
    labels = (np.nan_to_num(columns).sum(axis=1) > 0.5).astype(float)
    linear = fit_linear(columns, labels, (0, 0, 0), 0, seed=1)
    data = xgb.DMatrix(columns, labels, base_margin=linear.log_odds(columns))
    booster = xgb.train({"objective": "binary:logistic", "base_score": 0.5, "max_depth": 3}, data, 10)
    model = model_to_explain(booster, linear=linear, calibration=Calibration(slope=0.8, intercept=-0.4))
    sums = model.contributions(columns).sum(axis=1)
    np.testing.assert_allclose(sums, 0.8 * model.margins(columns) - 0.4, atol=1e-5)
    np.testing.assert_allclose(sums, logit(model.probabilities(columns)), atol=1e-5)


def test_contributions_and_base_of_a_hazard_sum_to_its_periods_log_odds_weighted_by_the_hazard() -> None:
    periods = (0, 7, 14, 30, 60, 90)
    columns = noisy_columns(3)
    design = hazard.with_period(columns, RNG.integers(0, 5, ROWS).astype(np.int8))
    model = model_to_explain(small_booster(design, 3), task=Task.CHURN, periods=periods, horizon=30,
                   calibration=Calibration(slope=1.2, intercept=0.3))  # fmt: skip
    log_odds = 1.2 * model.margins(columns)[:, :3] + 0.3
    weights = 1 / (1 + np.exp(-log_odds))
    expected = (log_odds * weights).sum(axis=1) / weights.sum(axis=1)
    np.testing.assert_allclose(model.contributions(columns).sum(axis=1), expected, atol=1e-5)


USUAL = (0.1, 5, 5)


def test_reasons_come_by_group_those_that_raise_first_and_small_ones_not_at_all() -> None:
    themes = [theme for theme, _ in themes_and_texts([-0.9, 0.2, 0.3], [0.05, 40, 0], typical=USUAL)]
    assert themes == ["silence", "no-shows"]
    assert themes_and_texts([0.09, 0.03, -0.1], [0.3, 40, 9], typical=USUAL) == []


def test_a_group_is_worded_by_the_number_on_its_side_that_contributes_most() -> None:
    fewer, longer = (
        "0 messages written in the last 7 days (usual 5)",
        "40 hours since the tutor last wrote (usual 5 hours)",
    )
    assert themes_and_texts([0, 0.2, 0.3], [0.1, 40, 0], typical=USUAL) == [("silence", fewer)]
    assert themes_and_texts([0, 0.2, 0.3], [0.1, 40, 9], typical=USUAL) == [("silence", longer)]
    assert themes_and_texts([0, 0.02, 0.3], [0.1, 40, 9], typical=USUAL) == []  # 40 hours contribute too little
    assert themes_and_texts([0, -0.2, -0.3], [0.1, 40, 0], typical=USUAL) == []


def test_a_number_that_is_the_usual_one_in_words_is_no_reason() -> None:
    assert themes_and_texts([0, 0.5, 0], [0.1, 5.3, 5], typical=USUAL) == []
