"""Checks of the promotion gate, each with its result and the figures behind it."""

from collections.abc import Iterable, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from features.base.array_types import Values
from models.evaluate.metrics import Curves, Evaluation, Figure, Removal
from models.evaluate.removals import MOST_UNCONFIRMED, question_of
from models.evaluate.slices import worst


class Policy(BaseModel):
    """Thresholds of the promotion gate."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    margin: float = Field(
        default=0.01, ge=0, description="non-inferiority margin: ROC AUC by which the champion may be better, at 95 %"
    )
    max_calibration_error: float = Field(
        default=0.02, gt=0, description="calibration error beyond chance, as a fraction"
    )
    max_relative_error: float = Field(
        default=0.5, gt=0, description="calibration error as a share of the base rate; the lower bound applies"
    )
    slice_margin: float = Field(
        default=0.1, gt=0, description="ROC AUC by which the worst slice may lie below all rows, at 95 %"
    )
    max_milliseconds: float = Field(default=50.0, gt=0, description="median time to score one row, in milliseconds")
    min_outcomes: int = Field(default=50, ge=2, description="rows of the rarer outcome needed for a decision")
    contained: tuple[str, ...] = Field(
        default=("logistic_regression",), description="baselines that the model contains: it need not beat them"
    )
    max_unconfirmed: float = Field(
        default=MOST_UNCONFIRMED,
        gt=0,
        description="ROC AUC that columns may add unconfirmed as known when asked",
    )
    repeats: int = Field(default=200, ge=20, description="bootstrap draws behind each interval")


class Check(BaseModel):
    """Result of one check, with the figures behind it in words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    passed: bool
    words: str


def in_words(figure: Figure, sign: bool = False) -> str:
    """Returns a figure with its interval as text."""
    form = "+.3f" if sign else ".3f"
    if np.isnan(figure.low):
        return f"{figure.value:{form}}"
    return f"{figure.value:{form}} ({figure.low:{form}} to {figure.high:{form}})"


def calibration_error_beyond_chance(curves: Curves) -> float:
    """Returns the calibration error beyond chance, as a fraction: the distance to each bin's 95 % interval.

    The plain error of a perfect model is above zero by chance, and far above where few tutors have outcomes.
    """
    beyond = np.maximum(curves.low - curves.predicted, curves.predicted - curves.high)
    return float(np.maximum(beyond, 0) @ curves.count / curves.count.sum())


def leaks(alarms: Sequence[str], overridden: Sequence[str] = ()) -> Check:
    """Check that no leak alarm was raised, except those that a person has overridden with a reason."""
    if alarms:
        return failed("leaks", f"a leak is suspected: {'; '.join(alarms)}")
    if overridden:
        return passed("leaks", f"leak alarms overridden by a person: {'; '.join(overridden)}")
    return passed("leaks", "no column appears to contain the outcome")


def known_when_asked(unconfirmed: Removal | None, policy: Policy) -> Check:
    """Check that columns of which nobody has confirmed that they are known when asked do not decide the figures."""
    question = question_of(unconfirmed, policy.max_unconfirmed)
    if question:
        return failed("known_when_asked", question)
    return passed("known_when_asked", "no column to confirm decides the figures")


def outcomes(labels: Values, policy: Policy) -> Check:
    """Check that there are enough outcomes: 0/1 labels (rows,)."""
    rarer = rarer_outcomes(labels)
    words = f"{outcomes_in_words(rarer)} in the test window"
    if rarer < policy.min_outcomes:
        return failed("outcomes", f"too few outcomes: {words}, at least {policy.min_outcomes} are needed")
    return passed("outcomes", words)


def signal(evaluation: Evaluation) -> Check:
    """Check that the ranking beats chance in the test window and, on average, after the rolling origins."""
    auc = evaluation.figures.get("roc_auc")
    if auc is None:
        return failed("signal", "no usable signal: the test window contains only one outcome")
    if not auc.low > 0.5:
        return failed("signal", f"no usable signal: ROC AUC {in_words(auc)} is not significantly above chance, 0.5")
    earlier = _mean([origin.figures["roc_auc"] for origin in evaluation.origins if origin.figures])
    if earlier is not None and not earlier.low > 0.5:
        words = f"ROC AUC {in_words(auc)} in the test window, but {in_words(earlier)} after the rolling origins"
        return failed("signal", f"no usable signal: {words}, not significantly above chance, 0.5")
    return passed("signal", f"ranks better than chance: ROC AUC {in_words(auc)}")


def _mean(figures: Sequence[Figure]) -> Figure | None:
    """Returns the mean of independent figures with its 95 % interval; None for fewer than two."""
    known = [(figure.value, (figure.high - figure.low) / 2) for figure in figures if not np.isnan(figure.low)]
    if len(known) < 2:
        return None
    mean, reach = np.mean([k[0] for k in known]), np.sqrt(np.sum([k[1] ** 2 for k in known])) / len(known)
    return Figure(float(mean), float(mean - reach), float(mean + reach))


def baselines(evaluation: Evaluation, policy: Policy) -> Iterable[Check]:
    """Check that the gain over every baseline is above zero at 95 %; a contained baseline need not be beaten."""
    if not evaluation.baselines:
        yield failed("baseline", "no baseline was measured")
    for name, baseline in evaluation.baselines.items():
        plain_name = name.replace("_", " ")
        gain = f"gain in ROC AUC {in_words(baseline.gain, sign=True)}"
        if baseline.gain.low > 0:
            yield passed("baseline", f"better than {plain_name}: {gain}")
        elif name in policy.contained and baseline.gain.high > 0:
            yield passed(
                "baseline",
                f"no worse than {plain_name}, which the model contains; the trees add nothing on this data: {gain}",
            )
        else:
            yield failed("baseline", f"not significantly better than {plain_name}: {gain}")


def calibration(evaluation: Evaluation, policy: Policy) -> Check:
    """Check that the calibration error beyond chance is within its bound."""
    error = evaluation.figures.get("ece")
    if error is None:
        return failed("calibration", "the calibration error could not be measured")
    beyond_chance = calibration_error_beyond_chance(evaluation.curves)
    bound = min(policy.max_calibration_error, policy.max_relative_error * evaluation.base_rate)
    words = f"calibration error {in_words(error)}, beyond chance {beyond_chance:.3f}, bound {bound:.3f}"
    return Check(name="calibration", passed=beyond_chance <= bound, words=words)


def slices(evaluation: Evaluation, policy: Policy) -> Check:
    """Check that the worst slice is not far below all rows."""
    overall, poorest = evaluation.figures.get("roc_auc"), worst(evaluation.slices)
    if overall is None or poorest is None or poorest.roc_auc is None:
        return passed("slices", "no slice has enough outcomes")
    words = f"ROC AUC {in_words(poorest.roc_auc)}, all rows {overall.value:.3f}"
    holds = poorest.roc_auc.high >= overall.value - policy.slice_margin
    return Check(name="slices", passed=holds, words=f"worst slice {poorest.by} = {poorest.group}: {words}")


def latency(milliseconds: float, policy: Policy) -> Check:
    """Check that the time to score a row, in milliseconds, is within its bound."""
    words = f"{milliseconds:.1f} ms to score a row, bound {policy.max_milliseconds:.0f}"
    return Check(name="latency", passed=milliseconds <= policy.max_milliseconds, words=words)


def rarer_outcomes(labels: Values) -> int:
    """Returns the number of rows with the rarer outcome: 0/1 labels (rows,)."""
    positives = int(labels.sum())
    return min(positives, labels.size - positives)


def outcomes_in_words(number: int) -> str:
    """Returns a number of rows of the rarer outcome as text."""
    return f"{number:,} outcome{'' if number == 1 else 's'} of the rarer kind"


def passed(name: str, words: str) -> Check:
    """A passed check."""
    return Check(name=name, passed=True, words=words)


def failed(name: str, words: str) -> Check:
    """A failed check."""
    return Check(name=name, passed=False, words=words)
