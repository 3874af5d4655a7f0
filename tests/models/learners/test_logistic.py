"""The linear part of a model: recovered slopes, sign constraints and missing values."""

import numpy as np
import pytest

from models.learners.calibration import expit
from models.learners.logistic import fit_linear
from tests.lib.logistic_line import RNG, line


def test_it_finds_a_line_and_its_intercept() -> None:
    columns, labels = line()
    found = fit_linear(columns, labels, (0, 0), 0, seed=0)
    assert found.weights[0] == pytest.approx(1.0, abs=0.15)
    assert found.weights[1] == pytest.approx(0.0, abs=0.1)
    assert found.intercepts == (pytest.approx(-1.0, abs=0.1),)


def test_a_known_sign_is_never_contradicted() -> None:
    columns, labels = line()
    assert fit_linear(columns, labels, (-1, 0), 0, seed=0).weights[0] == 0
    assert fit_linear(columns, labels, (1, 0), 0, seed=0).weights[0] > 0.8


def test_few_outcomes_give_small_weights() -> None:
    columns, labels = line(40)
    many, few = (abs(fit_linear(*data, (0, 0), 0, seed=0).weights[0]) for data in (line(), (columns, labels)))
    assert few < many


def test_contributions_and_the_intercept_make_the_log_odds() -> None:
    columns, labels = line()
    columns[:50, 1] = np.nan
    design = np.column_stack([columns, RNG.integers(0, 3, len(columns))]).astype(np.float32)
    found = fit_linear(design, labels, (0, 0), 3, seed=0)
    total = found.contributions(design[:, :2]).sum(axis=1) + found.intercept(design[:, 2])
    np.testing.assert_allclose(total, found.log_odds(design))


def test_each_period_has_its_own_intercept() -> None:
    n = 6000
    period = RNG.integers(0, 3, n)
    labels = (RNG.random(n) < np.array([0.1, 0.3, 0.6])[period]).astype(float)
    design = np.column_stack([np.zeros(n), period]).astype(np.float32)
    found = fit_linear(design, labels, (0,), 3, seed=0)
    np.testing.assert_allclose(expit(np.array(found.intercepts)), [0.1, 0.3, 0.6], atol=0.04)


def test_a_missing_value_adds_nothing_and_a_wild_one_no_more_than_four_deviations() -> None:
    columns, labels = line()
    found = fit_linear(columns, labels, (0, 0), 0, seed=0)
    strange = np.array([[np.nan, 0], [1e6, 0], [4.5, 0]], np.float32)
    nothing, wild, far = found.contributions(strange)[:, 0]
    assert nothing == 0
    assert wild == far


def test_amounts_that_spread_enter_as_logarithms() -> None:
    columns = np.column_stack([RNG.poisson(5, 500), RNG.random(500)]).astype(np.float32)
    assert fit_linear(columns, (RNG.random(500) < 0.5).astype(float), (0, 0), 0, seed=0).logged == (True, False)


def test_the_rows_of_a_large_fit_are_drawn_by_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.learners.logistic.MOST_ROWS", 500)
    columns, labels = line()
    first, again, other = (fit_linear(columns, labels, (0, 0), 0, seed=s) for s in (1, 1, 2))
    assert first == again != other
