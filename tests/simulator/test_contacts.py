"""Contacts with a planted effect, and coverage of the interval."""

import pyarrow.compute as pc
import pytest
from scipy import stats

from benchmarks.coverage import repetition, summary
from domain.interventions import Verdict
from simulator.contacts import PLANTED, contact
from tests.lib.markets import SMALL, market


def test_a_contact_prevents_the_planted_share_of_no_shows_and_touches_nothing_else() -> None:
    before = market()
    table = before.dataset.tables["sessions"]
    missed = table.filter(pc.equal(table["status"], "no_show"))["session_id"].to_pylist()
    after = contact(before, SMALL, missed, 0.4, seed=1)
    changed = after.dataset.tables["sessions"]
    left = pc.sum(pc.equal(changed["status"], "no_show")).as_py()
    assert left == pytest.approx(0.6 * len(missed), abs=4 * (0.24 * len(missed)) ** 0.5)
    others = pc.invert(pc.is_in(table["session_id"], pc.unique(table["session_id"].filter(
        pc.not_equal(table["status"].cast("string"), changed["status"].cast("string"))
    ))))  # fmt: skip
    assert changed.filter(others).equals(table.filter(others))
    now_held = changed.filter(pc.invert(others))
    assert set(now_held["status"].to_pylist()) == {"completed"}
    assert pc.all(pc.greater_equal(now_held["outcome_known_at"], now_held["ends_at"])).as_py()


def test_the_planted_effect_stands_on_the_truths_side_alone() -> None:
    chosen = market().dataset.tables["sessions"]["session_id"].to_pylist()[:50]
    after = contact(market(), SMALL, chosen, 0.4, seed=1)
    planted = after.truth.filter(pc.equal(after.truth["kind"], PLANTED))
    assert planted["subject_id"].to_pylist() == chosen
    assert set(planted["value"].to_pylist()) == {0.4}
    ratio = pc.divide(after.truth["value"][: market().truth.num_rows], market().truth["value"]).to_pylist()
    no_show = pc.equal(market().truth["kind"], "no_show").to_pylist()
    assert [r for r, is_no_show in zip(ratio, no_show, strict=True) if is_no_show][:51] == pytest.approx(
        [0.6] * 50 + [1]
    )


def test_without_contacts_the_market_stays_as_it_is() -> None:
    assert contact(market(), SMALL, [], 0.4, seed=1) is market()


def test_the_planted_effect_is_found_in_a_marketplace() -> None:
    found = repetition(seed=11, reduction=0.8)
    assert found.adjusted.verdict is Verdict.PREVENTS
    assert found.adjusted.relative is not None
    assert found.adjusted.relative.low < 0.8 < found.adjusted.relative.high


@pytest.mark.slow
def test_the_interval_covers_the_planted_effect_at_its_nominal_rate() -> None:
    found = summary([repetition(seed, reduction=0.4) for seed in range(150)], reduction=0.4)
    low, high = stats.binom.interval(0.99, 150, 0.95)
    for figure in ("coverage_absolute", "coverage_relative"):
        share = found[figure][0]  # type: ignore[index]
        assert low <= 150 * share <= high, (figure, share)
    assert found["too_few"] == 0
    assert found["width_adjusted_over_plain"] < 0.95  # type: ignore[operator]
