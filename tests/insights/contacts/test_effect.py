"""Effect of contacts: the estimate, its interval, and the minimum sample."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from benchmarks.coverage import width
from domain.interventions import (
    Arm,
    ContactOutcome,
    Verdict,
)
from insights.contacts.effect import MIN_NO_SHOWS, OutcomeColumns, effect, effects
from insights.contacts.effect_words import in_words
from tests.lib.contact_parts import sampled

NO_SHOWS_OF_NOBODY = "0 no-shows of 0 tutors"


def test_the_effect_is_the_regression_with_arm_and_centred_risk() -> None:
    sample = sampled(300, 0.5)
    x = sample.risk - sample.risk.mean()
    design = np.column_stack([np.ones_like(x), sample.contacted, x, sample.contacted * x])
    by_hand = np.linalg.lstsq(design, sample.missed.astype(float))[0]
    found = effect(sample)
    assert found.absolute is not None
    assert found.relative is not None
    assert found.per_100 is not None
    assert found.absolute.value == pytest.approx(by_hand[1])
    assert found.relative.value == pytest.approx(-by_hand[1] / by_hand[0])
    assert found.per_100.value == pytest.approx(-100 * 6 * by_hand[1])
    assert found.relative.low < 0.5 < found.relative.high
    assert found.verdict is Verdict.PREVENTS


def test_the_interval_is_the_textbooks_cr2_with_satterthwaites_degrees_of_freedom() -> None:
    sample = sampled(60, 0.3, missed=0.3)
    value, error, degrees = _cr2_by_definition(sample)
    found = effect(sample)
    assert found.absolute is not None
    assert found.absolute.value == pytest.approx(value)
    half = stats.t.ppf(0.975, degrees) * error
    assert found.absolute.high - found.absolute.value == pytest.approx(half)
    assert degrees < 58


def _cr2_by_definition(sample: OutcomeColumns) -> tuple[float, float, float]:
    """CR2 with the full hat matrix, as defined by Bell and McCaffrey (2002): effect, standard error, degrees."""
    x, arm = sample.risk - sample.risk.mean(), sample.contacted.astype(float)
    design = np.column_stack([np.ones_like(x), arm, x, arm * x])
    bread = np.linalg.inv(design.T @ design)
    rest = np.eye(x.size) - design @ bread @ design.T
    missed = sample.missed.astype(float)
    residual, contrast = rest @ missed, bread[1]
    scores, vectors = [], []
    for tutor in np.unique(sample.tutor):
        rows = np.flatnonzero(sample.tutor == tutor)
        power, axes = np.linalg.eigh(rest[np.ix_(rows, rows)])
        weight = (axes / np.sqrt(power)) @ axes.T @ design[rows] @ contrast
        scores.append(weight @ residual[rows])
        vectors.append(rest[:, rows] @ weight)
    shared = np.array(vectors) @ np.array(vectors).T
    degrees = np.trace(shared) ** 2 / np.sum(shared**2)
    return float((bread @ design.T @ missed)[1]), float(np.sum(np.square(scores)) ** 0.5), float(degrees)


def test_tutors_who_come_back_widen_the_interval() -> None:
    sample = sampled(100, 0.2, missed=0.4)
    sample = replace(sample, missed=np.repeat(sample.missed[::6], 6))  # a tutor misses all sessions or none
    clustered, each_alone = effect(sample), effect(replace(sample, tutor=np.arange(sample.tutor.size)))
    assert width(clustered) > 1.8 * width(each_alone)


def test_adjusting_for_the_risk_narrows_the_interval_and_moves_no_sign() -> None:
    sample = sampled(300, 0.5, missed=0.25)
    adjusted, plain = effect(sample), effect(sample, adjusted=False)
    assert width(adjusted) < 0.9 * width(plain)
    assert adjusted.absolute is not None
    assert plain.absolute is not None
    assert adjusted.absolute.value < 0 > plain.absolute.value


def test_a_risk_that_is_the_same_for_all_adjusts_nothing() -> None:
    sample = replace(sampled(300, 0.5), risk=np.full(1800, 0.1))
    adjusted, plain = effect(sample).absolute, effect(sample, adjusted=False).absolute
    assert adjusted is not None
    assert plain is not None
    assert (adjusted.value, adjusted.high) == pytest.approx((plain.value, plain.high))


@pytest.mark.parametrize("short", [True, False])
def test_too_few_is_said_when_either_arm_has_fewer_no_shows_than_needed(short: bool) -> None:
    sample = sampled(300, 0.0)
    missed = sample.missed.copy()
    missed[np.flatnonzero(missed & (sample.contacted == short))[MIN_NO_SHOWS - 1 :]] = False
    found = effect(replace(sample, missed=missed))
    assert found.verdict is Verdict.TOO_FEW
    assert found.absolute is found.relative is found.per_100 is None
    assert in_words(found).startswith("Too few to say: ")
    assert f"{MIN_NO_SHOWS - 1} no-shows of" in in_words(found)


def test_too_few_is_said_of_few_tutors_and_of_nothing_at_all() -> None:
    few = sampled(30, 0.0, missed=0.5)
    assert few.missed.sum() > 2 * MIN_NO_SHOWS
    assert effect(few).verdict is Verdict.TOO_FEW
    (nothing,) = effects(OutcomeColumns.of([]))
    assert NO_SHOWS_OF_NOBODY in in_words(nothing)


def test_each_action_is_judged_by_its_own_tutors_at_a_level_all_share() -> None:
    works, idle, rare = (
        sampled(500, r, action=a, seed=s) for r, a, s in ((0.6, "works", 1), (0.0, "idle", 2), (0.6, "rare", 3))
    )
    rare = rare.where(np.arange(rare.risk.size) < 60)
    parts = (works, replace(idle, tutor=idle.tutor + 500), replace(rare, tutor=rare.tutor + 1000))
    joined = OutcomeColumns(
        **{n: np.concatenate([getattr(p, n) for p in parts]) for n in OutcomeColumns.__dataclass_fields__}
    )
    overall, *by_action = effects(joined)
    found = {one.action: one for one in by_action}
    assert overall.level == 0.95
    assert {one.level for one in by_action} == {0.975}
    assert found["works"].verdict is Verdict.PREVENTS
    assert found["idle"].verdict is Verdict.UNCLEAR
    assert found["rare"].verdict is Verdict.TOO_FEW
    assert found["works"].absolute == effect(works, 0.975).absolute


def test_outcomes_keep_the_order_of_their_rows() -> None:
    rows = [
        ContactOutcome(4, "b", "Call", Arm.HOLDOUT, 0.2, True),
        ContactOutcome(5, "a", "Write", Arm.CONTACT, 0.1, False),
    ]
    found = OutcomeColumns.of(rows)
    assert found.tutor.tolist() == [1, 0]
    assert found.contacted.tolist() == [False, True]
    assert found.missed.tolist() == [True, False]
    assert found.action.tolist() == ["Call", "Write"]
