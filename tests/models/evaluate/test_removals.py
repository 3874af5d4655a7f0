"""Removal of columns from held-out rows: the losses, and the question about each to a person."""

import numpy as np
import pytest

from features.base.array_types import Matrix, Values
from models.evaluate.metrics import Removal
from models.evaluate.removals import COMPUTED, losses, removals_of
from models.evaluate.report import removals_section
from models.gate.decision import decide
from tests.lib.candidates import POLICY, candidate, failed

WEIGHTS = np.array([2.0, 1.0, 1.0, 0.0])


def scores(matrix: Matrix) -> Values:
    return np.asarray(1 / (1 + np.exp(-matrix @ WEIGHTS)))


@pytest.fixture(scope="module")
def rows() -> tuple[Matrix, Values]:
    rng = np.random.default_rng(0)
    matrix = rng.normal(0, 1, (8000, 4)).astype(np.float32)
    return matrix, (rng.random(8000) < scores(matrix)).astype(float)


def test_the_columns_that_cost_most_come_first_with_their_reason(rows: tuple[Matrix, Values]) -> None:
    reasons = {"price": "", "no_show_rate": COMPUTED, "hour": COMPUTED, "noise": ""}
    tried = {"price", "no_show_rate", "noise"}
    (first, second), together = removals_of(scores, *rows, [*reasons], reasons, tried, seed=1)
    assert (first.column, first.known_when_asked) == ("price", "")
    assert (second.column, second.known_when_asked) == ("no_show_rate", COMPUTED)
    assert first.loss > 2 * second.loss > 0.04
    assert together == Removal("price, noise", first.loss)


def test_columns_removed_together_cost_more_than_each_and_one_that_is_not_read_costs_nothing(
    rows: tuple[Matrix, Values],
) -> None:
    lost = losses(scores, *rows, {"each": [1], "other": [2], "both": [1, 2], "noise": [3]}, seed=1)
    assert lost["both"] > max(lost["each"], lost["other"]) > 0.02
    assert lost["noise"] == 0


def test_an_attribute_is_removed_with_the_rates_computed_from_it(rows: tuple[Matrix, Values]) -> None:
    reasons = {"price": COMPUTED, "region": "", "noise": COMPUTED}
    (alone,), together = removals_of(scores, *rows, ["price", "region", "region", "noise"], reasons, {"region"}, seed=1)
    assert alone.loss == losses(scores, *rows, {"both": [1, 2]}, seed=1)["both"]
    assert together == Removal("region", alone.loss)


def test_rows_of_one_outcome_measure_nothing(rows: tuple[Matrix, Values]) -> None:
    assert removals_of(scores, rows[0], np.zeros(8000), "abcd", dict.fromkeys("abcd", ""), {"a"}, seed=1) == ((), None)


def test_a_person_is_asked_about_columns_without_a_reason_only() -> None:
    removals = (Removal("price", 0.0213), Removal("hour", 0.02, COMPUTED), Removal("tier", 0.01, "in the contract"))
    assert decide(candidate(removals=removals), None, POLICY, seed=0).to_confirm == (
        "price: known when asked? The ROC AUC without it changes by -0.021.",
    )
    shown = {name: (loss, known) for name, loss, known in removals_section(removals).rows}
    assert shown["price"] == ("-0.0213", "please confirm")
    assert shown["tier"] == ("-0.0100", "in the contract")


def test_a_model_that_depends_on_columns_to_confirm_waits_for_a_person() -> None:
    decision = decide(candidate(unconfirmed=Removal("changes, requests", 0.12)), None, POLICY, seed=0)
    assert failed(decision) == ["known_when_asked"]
    assert "changes, requests: known when asked? Without them the ROC AUC changes by -0.120" in decision.reasons[0]
    assert decision.usable
    assert decide(candidate(unconfirmed=Removal("changes, requests", 0.08)), None, POLICY, seed=0).passed
