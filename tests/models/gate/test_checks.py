from dataclasses import replace

import numpy as np
import pytest

from domain.promotion import Action, GateMode
from models.evaluate.metrics import Figure, Slice, curves, figures_with_intervals
from models.gate.decision import CandidateEvaluation, action_after, decide
from tests.lib.candidates import GOOD, POLICY, candidate, failed


@pytest.mark.parametrize(
    ("what", "name", "words"),
    [
        ({"alarms": ("fee_refunded knows the outcome",)}, "leaks", "fee_refunded"),
        ({"baselines": {"rule": replace(GOOD.evaluation.baselines["base_rate"], gain=Figure(0.01, -0.01, 0.03))}},
         "baseline", "not significantly better than rule"),
        ({"milliseconds": 80.0}, "latency", "80.0 ms"),
        ({"slices": (Slice("zone", "Asia/Tokyo", 900, 80, Figure(0.5, 0.45, 0.55), Figure(0.01)),)},
         "slices", "zone = Asia/Tokyo"),
    ],
)  # fmt: skip
def test_each_bound_that_is_broken_is_named(what: dict[str, object], name: str, words: str) -> None:
    decision = decide(candidate(**what), None, POLICY, seed=0)
    assert failed(decision) == [name]
    assert words in decision.reasons[0]
    usable = name in {"latency", "slices"}
    assert action_after(decision, GateMode.ON) is (Action.CHALLENGER if usable else Action.REFUSED)


def test_an_overridden_leak_alarm_passes_and_is_recorded_with_its_reason() -> None:
    decision = decide(
        candidate(overridden=("fee alone has ROC AUC 0.95; overridden: agreed at booking",)), None, POLICY, 0
    )
    assert decision.passed
    assert any("overridden by a person: fee alone" in check["words"] for check in decision.as_json()["checks"])


def test_scores_twice_too_high_break_the_calibration_bound_and_chance_does_not() -> None:
    label, tutors = GOOD.test.label, GOOD.test.queries.tutor
    doubled = np.minimum(GOOD.scores * 2, 1.0)
    evaluation = replace(
        GOOD.evaluation,
        figures=figures_with_intervals(label, doubled, tutors, 0, 20),
        curves=curves(label, doubled, tutors),
    )
    assert failed(decide(CandidateEvaluation(label, evaluation, 1.0), None, POLICY, seed=0)) == ["calibration"]


def test_too_few_outcomes_are_said() -> None:
    few = CandidateEvaluation(np.append(np.zeros(500), np.ones(12)), GOOD.evaluation, 1.0)
    decision = decide(few, None, POLICY, seed=0)
    assert decision.reasons == (
        "too few outcomes: 12 outcomes of the rarer kind in the test window, at least 50 are needed",
    )


def test_what_the_model_contains_it_must_equal_and_need_not_beat() -> None:
    base = GOOD.evaluation.baselines["base_rate"]
    level, worse = (replace(base, gain=Figure(0.0, low, high)) for low, high in ((-0.01, 0.02), (-0.04, -0.01)))
    equal = decide(candidate(baselines={"base_rate": base, "logistic_regression": level}), None, POLICY, seed=0)
    assert equal.passed
    assert any("no worse than logistic regression" in reason for reason in equal.reasons)
    beaten = decide(candidate(baselines={"base_rate": base, "logistic_regression": worse}), None, POLICY, seed=0)
    assert failed(beaten) == ["baseline"]
