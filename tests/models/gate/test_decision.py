"""The gate: pass, wait and reject, each with reasons."""

from dataclasses import replace

import numpy as np

from domain.promotion import Action, GateMode
from models.evaluate.metrics import Figure, Origin
from models.gate.decision import CandidateEvaluation, Contest, GateDecision, action_after, compare, decide, standing
from tests.lib.candidates import GOOD, POLICY, candidate, failed
from tests.lib.trainings import training

SILENT = training(signal=0.0, seed=3)


def _contest(others: np.ndarray, rows: slice = slice(None)) -> Contest:
    label, scores, tutors = GOOD.test.label[rows], GOOD.scores[rows], GOOD.test.queries.tutor[rows]
    return Contest("no_show/1", "2026-02-23", label, scores, others[rows], tutors)


def test_a_model_with_signal_and_no_champion_before_it_passes() -> None:
    decision = decide(candidate(), None, POLICY, seed=0)
    assert decision.passed, decision.reasons
    assert action_after(decision, GateMode.ON) is Action.CHAMPION


def test_noise_has_no_usable_signal_and_is_refused() -> None:
    decision = decide(CandidateEvaluation(SILENT.test.label, SILENT.evaluation, 1.0), None, POLICY, seed=0)
    assert any(reason.startswith("no usable signal: ROC AUC") for reason in decision.reasons)
    assert action_after(decision, GateMode.ON) is Action.REFUSED


def test_luck_in_the_test_window_that_earlier_origins_did_not_have_is_no_signal() -> None:
    lucky, chance = Figure(0.546, 0.505, 0.584), Figure(0.5, 0.46, 0.54)
    origins = tuple(Origin(cut, 900, {"roc_auc": chance}, ()) for cut in range(4))
    evaluation = replace(GOOD.evaluation, figures=GOOD.evaluation.figures | {"roc_auc": lucky}, origins=origins)
    decision = decide(CandidateEvaluation(GOOD.test.label, evaluation, 1.0), None, POLICY, seed=0)
    assert "no usable signal" in decision.reasons[0]
    assert "0.500 (0.480 to 0.520) after the rolling origins" in decision.reasons[0]
    good = tuple(replace(origin, figures={"roc_auc": Figure(0.7, 0.62, 0.78)}) for origin in origins)
    assert not failed(decide(candidate(origins=good), None, POLICY, seed=0))


def test_a_better_an_equal_and_a_worse_candidate_beside_the_champion() -> None:
    noise = np.random.default_rng(1).random(GOOD.scores.size)
    better, equal = compare(_contest(noise), POLICY, 0), compare(_contest(GOOD.scores), POLICY, 0)
    truth = np.clip(GOOD.scores * 0.2 + GOOD.test.label * 0.5, 0, 1)
    worse = compare(_contest(truth), POLICY, 0)
    assert (better.passed, equal.passed, worse.passed) == (True, True, False)
    assert better.words.startswith("better than the champion: ROC AUC +")
    assert equal.words.startswith("not worse than the champion by more than 0.01")
    assert worse.words.startswith("may be worse than the champion")


def test_a_window_too_short_to_compare_in_leaves_the_champion() -> None:
    decision = decide(candidate(), _contest(GOOD.scores, slice(0, 40)), POLICY, seed=0)
    assert decision.reasons[0].startswith("too few outcomes to compare with no_show/1")
    assert action_after(decision, GateMode.ON) is Action.CHALLENGER


def test_a_dry_run_decides_and_the_newest_serves_and_off_does_not_ask() -> None:
    refused = decide(CandidateEvaluation(SILENT.test.label, SILENT.evaluation, 1.0), None, POLICY, seed=0)
    assert action_after(refused, GateMode.DRY_RUN) is Action.CHAMPION
    assert action_after(None, GateMode.OFF) is Action.CHAMPION


def test_a_later_comparison_replaces_what_was_said_of_the_champion_and_nothing_else() -> None:
    waiting = decide(candidate(), _contest(GOOD.scores, slice(0, 40)), POLICY, seed=0)
    slow = decide(candidate(milliseconds=80.0), None, POLICY, seed=0)
    later = GateDecision(checks=(compare(_contest(GOOD.scores), POLICY, 0),), usable=True)
    assert not standing(waiting, None).passed
    assert standing(waiting, later).passed
    assert not standing(slow, later).passed
    assert not standing(None, later).passed


def test_a_decision_reads_back_from_the_ledger_as_it_was() -> None:
    decision = decide(candidate(milliseconds=80.0), None, POLICY, seed=0)
    assert GateDecision.of({"mode": "on", **decision.as_json()}) == decision
    assert decision.as_json()["passed"] is False
