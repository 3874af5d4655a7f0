"""GateDecision whether a trained model may serve, from figures alone, with reasons."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from domain.promotion import Action, GateMode
from features.base.array_types import Ints, Values
from models.evaluate.metrics import Evaluation, auc_gain
from models.gate import checks
from models.gate.checks import Check, Policy, failed, in_words, outcomes_in_words, passed, rarer_outcomes


class GateDecision(BaseModel):
    """The gate's checks. A `usable` model has signal and may score in shadow even where it does not pass.

    `to_confirm` are questions to a person about columns that no check can judge.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    checks: tuple[Check, ...]
    usable: bool
    figures: dict[str, float] = {}
    to_confirm: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """True where every check passed."""
        return all(check.passed for check in self.checks)

    @property
    def reasons(self) -> tuple[str, ...]:
        """The words of the failed checks; those of all checks where it passed."""
        failures = tuple(check.words for check in self.checks if not check.passed)
        return failures or tuple(check.words for check in self.checks)

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "GateDecision":
        """Returns a decision from its JSON form in the ledger."""
        return cls.model_validate({name: stored[name] for name in cls.model_fields if name in stored})

    def as_json(self) -> dict[str, Any]:
        """Returns the decision as stored in the ledger."""
        return {"passed": self.passed, "reasons": list(self.reasons), **self.model_dump(mode="json")}


@dataclass(frozen=True)
class CandidateEvaluation:
    """Measurements of a trained model on test rows it never saw.

    `labels` (rows,) are their 0/1 outcomes; `milliseconds` is the time to score one row.
    """

    labels: Values = field(repr=False)
    evaluation: Evaluation = field(repr=False)
    milliseconds: float


@dataclass(frozen=True)
class Contest:
    """Scores of candidate and champion on the same rows, later than the data of either fit: (rows,) each.

    `since` is the date of the first row.
    """

    champion: str
    since: str
    labels: Values = field(repr=False)
    scores: Values = field(repr=False)
    others: Values = field(repr=False)
    tutors: Ints = field(repr=False)


def decide(candidate: CandidateEvaluation, contest: Contest | None, policy: Policy, seed: int) -> GateDecision:
    """Decide whether a candidate may serve; `contest` is None where there is no champion yet.

    Leaks, outcomes, signal and baselines decide whether it is usable, the other checks whether it may be promoted.
    """
    evaluation = candidate.evaluation
    usable = [
        checks.leaks(evaluation.alarms, evaluation.overridden),
        checks.outcomes(candidate.labels, policy),
        checks.signal(evaluation),
        *checks.baselines(evaluation, policy),
    ]
    promotable = [
        checks.calibration(evaluation, policy),
        checks.slices(evaluation, policy),
        checks.latency(candidate.milliseconds, policy),
        checks.known_when_asked(evaluation.unconfirmed, policy),
        compare(contest, policy, seed) if contest else passed("champion", "there is no champion yet"),
    ]
    return GateDecision(
        checks=(*usable, *promotable),
        usable=all(check.passed for check in usable),
        figures=_headline(evaluation),
        to_confirm=tuple(
            f"{removal.column}: known when asked? The ROC AUC without it changes by {-removal.loss:+.3f}."
            for removal in evaluation.removals
            if not removal.known_when_asked
        ),
    )


def compare(contest: Contest, policy: Policy, seed: int) -> Check:
    """Test for non-inferiority to the champion, in ROC AUC paired by tutor.

    Method: Piaggio et al. 2012, JAMA 308:2594; the bootstrap draws tutors with all their rows.
    """
    rarer = rarer_outcomes(contest.labels)
    where = f"{outcomes_in_words(rarer)} since {contest.since}"
    if rarer < policy.min_outcomes:
        least = f"at least {policy.min_outcomes} are needed"
        return failed("champion", f"too few outcomes to compare with {contest.champion}: {where}, {least}")
    gain = auc_gain(contest.labels, contest.scores, contest.others, contest.tutors, seed, policy.repeats)
    words = f"ROC AUC {in_words(gain, sign=True)} compared with {contest.champion} on {where}"
    if gain.low > 0:
        return passed("champion", f"better than the champion: {words}")
    if gain.low >= -policy.margin:
        return passed("champion", f"not worse than the champion by more than {policy.margin}: {words}")
    return failed("champion", f"may be worse than the champion by more than {policy.margin}: {words}")


def standing(decision: GateDecision | None, later: GateDecision | None, unmet: str | None = None) -> GateDecision:
    """Returns a version's current decision: that of its training, with the latest comparison with the champion.

    `later` is the newest comparison with the current champion, on forecasts of both for unseen rows; None where there
    is none. `unmet` names that champion where the version was compared with another at its training. A version without
    a gate decision, or not compared with the current champion, does not pass.
    """
    if decision is None:
        return GateDecision(checks=(failed("gate", "this version was never checked by the gate"),), usable=False)
    others = tuple(check for check in decision.checks if check.name != "champion")
    if later is not None:
        return decision.model_copy(update={"checks": (*others, *later.checks)})
    if unmet is not None:
        never = failed("champion", f"it was never compared with {unmet}, the champion")
        return decision.model_copy(update={"checks": (*others, never)})
    return decision


def action_after(decision: GateDecision | None, mode: GateMode) -> Action:
    """Returns the action for a candidate; `decision` is None where the gate is off."""
    if decision is None or mode is not GateMode.ON or decision.passed:
        return Action.CHAMPION
    return Action.CHALLENGER if decision.usable else Action.REFUSED


def _headline(evaluation: Evaluation) -> dict[str, float]:
    values = {name: figure.value for name, figure in evaluation.figures.items()}
    return {name: value for name, value in values.items() if np.isfinite(value)}
