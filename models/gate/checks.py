"""What the gate asks of a model, one check at a time: each says whether it holds, and why in figures."""

from collections.abc import Iterable, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from features.base.array_types import Values
from models.evaluate.metrics import Curves, Evaluation, Figure
from models.evaluate.slices import worst


class Policy(BaseModel):
    """What is asked of a model before it may serve."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    margin: float = Field(
        default=0.01, ge=0, description="ROC AUC by which the champion may at most be better, at 95 %"
    )
    max_calibration_error: float = Field(default=0.02, gt=0, description="calibration error beyond chance, fraction")
    max_relative_error: float = Field(default=0.5, gt=0, description="the same as a share of the base rate; less holds")
    slice_margin: float = Field(
        default=0.1, gt=0, description="ROC AUC by which the worst slice may surely lie below all rows"
    )
    max_milliseconds: float = Field(default=50.0, gt=0, description="time to score one row, milliseconds, median")
    min_outcomes: int = Field(default=50, ge=2, description="rows of the rarer outcome needed to say anything")
    contained: tuple[str, ...] = Field(
        default=("logistic_regression",), description="baselines that are a part of the model: to equal them is enough"
    )
    repeats: int = Field(default=200, ge=20, description="bootstrap draws behind each interval")


class Check(BaseModel):
    """One thing that was asked, whether it held, and in words with figures why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    passed: bool
    words: str


def in_words(figure: Figure, sign: bool = False) -> str:
    """A figure with its interval."""
    form = "+.3f" if sign else ".3f"
    if np.isnan(figure.low):
        return f"{figure.value:{form}}"
    return f"{figure.value:{form}} ({figure.low:{form}} to {figure.high:{form}})"


def sure_calibration_error(curves: Curves) -> float:
    """The calibration error that is left when each bin's true share may lie anywhere in its 95 % interval, fraction.

    The plain error of a perfect model is above zero by chance, and far above where few tutors have outcomes.
    """
    beyond = np.maximum(curves.low - curves.predicted, curves.predicted - curves.high)
    return float(np.maximum(beyond, 0) @ curves.count / curves.count.sum())


def leaks(alarms: Sequence[str]) -> Check:
    """No alarm was raised."""
    if alarms:
        return failed("leaks", f"a leak is suspected: {'; '.join(alarms)}")
    return passed("leaks", "no column seems to know the outcome")


def outcomes(labels: Values, policy: Policy) -> Check:
    """There are outcomes enough to say anything: 0/1 labels (rows,)."""
    rarer = rarer_outcomes(labels)
    words = f"{outcomes_in_words(rarer)} in the test window"
    if rarer < policy.min_outcomes:
        return failed("outcomes", f"too few to say: {words}, at least {policy.min_outcomes} are needed")
    return passed("outcomes", words)


def signal(evaluation: Evaluation) -> Check:
    """Better than chance in the test window, and in those after the earlier origins: luck seldom comes twice."""
    auc = evaluation.figures.get("roc_auc")
    if auc is None:
        return failed("signal", "no usable signal: only one outcome was seen in the test window")
    if not auc.low > 0.5:
        return failed("signal", f"no usable signal: ROC AUC {in_words(auc)} is not surely above chance, 0.5")
    earlier = _mean([origin.figures["roc_auc"] for origin in evaluation.origins if origin.figures])
    if earlier is not None and not earlier.low > 0.5:
        found = f"ROC AUC {in_words(auc)} in the test window, but {in_words(earlier)} after earlier origins"
        return failed("signal", f"no usable signal: {found}, not surely above chance, 0.5")
    return passed("signal", f"ranks better than chance: ROC AUC {in_words(auc)}")


def _mean(figures: Sequence[Figure]) -> Figure | None:
    """The mean of independent figures and its 95 % interval; None for fewer than two."""
    known = [(figure.value, (figure.high - figure.low) / 2) for figure in figures if not np.isnan(figure.low)]
    if len(known) < 2:
        return None
    mean, reach = np.mean([k[0] for k in known]), np.sqrt(np.sum([k[1] ** 2 for k in known])) / len(known)
    return Figure(float(mean), float(mean - reach), float(mean + reach))


def baselines(evaluation: Evaluation, policy: Policy) -> Iterable[Check]:
    """Every plain way to score is beaten, the interval of the gain clear of zero; what the model contains, equalled."""
    if not evaluation.baselines:
        yield failed("baseline", "no baseline was measured, so none is beaten")
    for name, baseline in evaluation.baselines.items():
        gain = f"{name}: gain in ROC AUC {in_words(baseline.gain, sign=True)}"
        if baseline.gain.low > 0:
            yield passed("baseline", f"beats {gain}")
        elif name in policy.contained and baseline.gain.high > 0:
            yield passed("baseline", f"is as good as {gain}; it contains one, and little bends here")
        else:
            yield failed("baseline", f"does not surely beat {gain}")


def calibration(evaluation: Evaluation, policy: Policy) -> Check:
    """The forecasts are right on average, beyond chance, at every level."""
    error = evaluation.figures.get("ece")
    if error is None:
        return failed("calibration", "the calibration error could not be measured")
    surely = sure_calibration_error(evaluation.curves)
    bound = min(policy.max_calibration_error, policy.max_relative_error * evaluation.base_rate)
    words = f"calibration error {in_words(error)}, beyond chance {surely:.3f}, bound {bound:.3f}"
    return Check(name="calibration", passed=surely <= bound, words=words)


def slices(evaluation: Evaluation, policy: Policy) -> Check:
    """No part of the rows is served far worse than all."""
    overall, found = evaluation.figures.get("roc_auc"), worst(evaluation.slices)
    if overall is None or found is None or found.roc_auc is None:
        return passed("slices", "no slice has outcomes enough to say")
    words = f"ROC AUC {in_words(found.roc_auc)}, of all rows {overall.value:.3f}"
    holds = found.roc_auc.high >= overall.value - policy.slice_margin
    return Check(name="slices", passed=holds, words=f"worst slice {found.by} = {found.group}: {words}")


def latency(milliseconds: float, policy: Policy) -> Check:
    """A row is scored in time, milliseconds."""
    words = f"{milliseconds:.1f} ms to score a row, bound {policy.max_milliseconds:.0f}"
    return Check(name="latency", passed=milliseconds <= policy.max_milliseconds, words=words)


def rarer_outcomes(labels: Values) -> int:
    """How many rows have the rarer of the two outcomes: 0/1 labels (rows,)."""
    positives = int(labels.sum())
    return min(positives, labels.size - positives)


def outcomes_in_words(number: int) -> str:
    """So many rows of the rarer outcome."""
    return f"{number:,} outcome{'' if number == 1 else 's'} of the rarer kind"


def passed(name: str, words: str) -> Check:
    """A check that held."""
    return Check(name=name, passed=True, words=words)


def failed(name: str, words: str) -> Check:
    """A check that did not hold."""
    return Check(name=name, passed=False, words=words)
