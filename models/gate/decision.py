"""Whether a trained model may serve: a decision with reasons, from figures and nothing else."""

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


class Decision(BaseModel):
    """What the gate says. `usable`: it knows something, so it may score in shadow even where it does not pass."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checks: tuple[Check, ...]
    usable: bool
    figures: dict[str, float] = {}

    @property
    def passed(self) -> bool:
        """Whether every check held."""
        return all(check.passed for check in self.checks)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why not, in words; why, where it passed."""
        why_not = tuple(check.words for check in self.checks if not check.passed)
        return why_not or tuple(check.words for check in self.checks)

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "Decision":
        """The decision that the ledger keeps."""
        return cls.model_validate({name: kept[name] for name in cls.model_fields})

    def as_json(self) -> dict[str, Any]:
        """The decision as the ledger keeps it."""
        return {"passed": self.passed, "reasons": list(self.reasons), **self.model_dump(mode="json")}


@dataclass(frozen=True)
class Candidate:
    """A trained model as the gate sees it: what was measured on test rows it never saw.

    `labels` (rows,) are their outcomes, 0/1; `milliseconds` is the time to score one row.
    """

    labels: Values = field(repr=False)
    evaluation: Evaluation = field(repr=False)
    milliseconds: float


@dataclass(frozen=True)
class Contest:
    """Candidate and champion on the same rows, later than all that either was fitted to: (rows,) each.

    `since` says from when on those rows are.
    """

    champion: str
    since: str
    labels: Values = field(repr=False)
    scores: Values = field(repr=False)
    others: Values = field(repr=False)
    tutors: Ints = field(repr=False)


def decide(candidate: Candidate, contest: Contest | None, policy: Policy, seed: int) -> Decision:
    """Whether a candidate may serve; `contest` is None where no champion serves yet.

    Leaks, signal and baselines say whether it is usable at all, the rest whether it may replace what serves.
    """
    evaluation = candidate.evaluation
    knows = [
        checks.leaks(evaluation.alarms),
        checks.outcomes(candidate.labels, policy),
        checks.signal(evaluation),
        *checks.baselines(evaluation, policy),
    ]
    holds = [
        checks.calibration(evaluation, policy),
        checks.slices(evaluation, policy),
        checks.latency(candidate.milliseconds, policy),
        compare(contest, policy, seed) if contest else passed("champion", "no champion serves yet"),
    ]
    return Decision(checks=(*knows, *holds), usable=all(c.passed for c in knows), figures=_headline(evaluation))


def compare(contest: Contest, policy: Policy, seed: int) -> Check:
    """Whether the champion is surely not better by more than the margin, in ROC AUC paired by tutor.

    Non-inferiority as in Piaggio et al. 2012, JAMA 308:2594; the bootstrap draws tutors with all their rows.
    """
    rarer = rarer_outcomes(contest.labels)
    where = f"{outcomes_in_words(rarer)} since {contest.since}"
    if rarer < policy.min_outcomes:
        least = f"at least {policy.min_outcomes} are needed"
        return failed("champion", f"too few to say beside {contest.champion}: {where}, {least}")
    gain = auc_gain(contest.labels, contest.scores, contest.others, contest.tutors, seed, policy.repeats)
    found = f"ROC AUC {in_words(gain, sign=True)} beside {contest.champion} on {where}"
    if gain.low > 0:
        return passed("champion", f"better than the champion: {found}")
    if gain.low >= -policy.margin:
        return passed("champion", f"not worse than the champion by more than {policy.margin}: {found}")
    return failed("champion", f"may be worse than the champion by more than {policy.margin}: {found}")


def standing(decision: Decision | None, later: Decision | None, unmet: str | None = None) -> Decision:
    """How a version stands today: what was decided at its training, with the champion as `later` compared them.

    `later` is the newest comparison with the champion that serves now, on what both foretold unseen; None where there
    is none. `unmet` names that champion where the version was trained beside another. A version that the gate was never
    asked about, or that has not met who serves, does not pass.
    """
    if decision is None:
        return Decision(checks=(failed("gate", "the gate was never asked about this version"),), usable=False)
    kept = tuple(check for check in decision.checks if check.name != "champion")
    if later is not None:
        return decision.model_copy(update={"checks": (*kept, *later.checks)})
    if unmet is not None:
        never = failed("champion", f"it was never compared with {unmet}, which serves now")
        return decision.model_copy(update={"checks": (*kept, never)})
    return decision


def action_after(decision: Decision | None, mode: GateMode) -> Action:
    """What becomes of a candidate; `decision` is None where the gate is off and was not asked."""
    if decision is None or mode is not GateMode.ON or decision.passed:
        return Action.CHAMPION
    return Action.CHALLENGER if decision.usable else Action.REFUSED


def _headline(evaluation: Evaluation) -> dict[str, float]:
    found = {name: figure.value for name, figure in evaluation.figures.items()}
    return {name: value for name, value in found.items() if np.isfinite(value)}
