"""A good training as a candidate for promotion."""

from dataclasses import replace

from models.gate.checks import Policy
from models.gate.decision import CandidateEvaluation, GateDecision
from tests.lib.trainings import training

POLICY = Policy(repeats=60)
GOOD = training()


def candidate(**more: object) -> CandidateEvaluation:
    """The good training as a candidate, with parts of its evaluation replaced."""
    evaluation = replace(GOOD.evaluation, **{k: v for k, v in more.items() if k != "milliseconds"})  # type: ignore[arg-type]
    return CandidateEvaluation(GOOD.test.label, evaluation, float(more.get("milliseconds", 1.0)))  # type: ignore[arg-type]


def failed(decision: GateDecision) -> list[str]:
    """Names of the checks that failed."""
    return [check.name for check in decision.checks if not check.passed]
