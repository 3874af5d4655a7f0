"""Calibration of a fitted model with held-out forecasts of the same recipe."""

import pytest

from models.train.training import Training


def test_forecasts_of_later_rows_have_the_level_of_their_outcomes(trained: Training) -> None:
    assert trained.scores.mean() == pytest.approx(trained.test.label.mean(), rel=0.25)
