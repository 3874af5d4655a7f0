"""Contact plan: listed tutors, and the random holdout."""

from dataclasses import replace
from datetime import UTC, timedelta

import numpy as np
import pytest

from domain.interventions import Arm
from insights.contacts.effect import effects
from insights.contacts.plan import ContactCandidate, contact_list, planned_day
from tests.lib.contact_parts import DAY, NOON, TOMORROW, arms_of, sampled


def _candidates(tutors: int, sessions: int = 2) -> list[ContactCandidate]:
    return [
        ContactCandidate(f"s{t}-{s}", f"t{t:03}", TOMORROW, (tutors - t) / (2 * tutors) / (1 + s), "Call")
        for t in range(tutors)
        for s in range(sessions)
    ]


def test_a_list_has_one_contact_a_tutor_the_riskiest_first_and_never_more_than_the_capacity() -> None:
    planned = contact_list(_candidates(50), DAY, capacity=8, holdout_share=0.2, seed=1)
    assert [c.tutor_id for c in planned] == [f"t{t:03}" for t in range(10)]
    assert [c.rank for c in planned] == list(range(1, 11))
    assert sum(c.arm is Arm.CONTACT for c in planned) == 8
    assert [s.session_id for s in planned[0].sessions] == ["s0-0", "s0-1"]
    assert planned[0].risk == pytest.approx(0.5 + 0.25)


def test_the_draw_depends_on_seed_and_day_and_on_nothing_else() -> None:
    ask = {"capacity": 8, "holdout_share": 0.2}
    first = arms_of(contact_list(_candidates(50), DAY, seed=1, **ask))
    assert arms_of(contact_list(_candidates(50)[::-1], DAY, seed=1, **ask)) == first
    others = [
        contact_list(_candidates(50), DAY + timedelta(days=d), seed=s, **ask) for d, s in ((1, 1), (0, 2), (9, 1))
    ]
    assert any(arms_of(other) != first for other in others)


@pytest.mark.parametrize(("capacity", "tutors"), [(8, 50), (2, 50), (30, 10), (1, 3)])
def test_the_share_held_out_is_as_asked_in_the_long_run_whatever_the_size_of_the_list(
    capacity: int, tutors: int
) -> None:
    days = [DAY + timedelta(days=d) for d in range(400)]
    plans = [contact_list(_candidates(tutors, 1), day, capacity, 0.2, seed=3) for day in days]
    arms = [c.arm for plan in plans for c in plan]
    share = sum(arm is Arm.HOLDOUT for arm in arms) / len(arms)
    assert share == pytest.approx(0.2, abs=4 * (0.2 * 0.8 / len(arms)) ** 0.5)
    assert max(sum(c.arm is Arm.CONTACT for c in plan) for plan in plans) <= capacity


def test_every_place_of_the_list_is_as_often_held_out() -> None:
    plans = [contact_list(_candidates(50, 1), DAY + timedelta(days=d), 8, 0.2, seed=3) for d in range(800)]
    held = np.array([[c.arm is Arm.HOLDOUT for c in plan] for plan in plans])
    assert held.mean(axis=0) == pytest.approx(np.full(10, 0.2), abs=4 * (0.16 / 800) ** 0.5)


def test_without_holdout_or_capacity_nobody_is_held_out_or_listed() -> None:
    assert set(arms_of(contact_list(_candidates(50), DAY, 8, 0.0, seed=1)).values()) == {Arm.CONTACT}
    assert contact_list(_candidates(50), DAY, 0, 0.2, seed=1) == []
    assert contact_list([], DAY, 8, 0.2, seed=1) == []


def test_a_known_effect_ranks_by_what_is_prevented_and_says_how_much() -> None:
    risky = ContactCandidate("a", "ann", TOMORROW, 0.5, "useless")
    milder = ContactCandidate("b", "ben", TOMORROW, 0.3, "Call")
    measured = effects(sampled(800, 0.5, action="Call")), effects(sampled(800, 0.0, action="useless", seed=5))
    known = (replace(measured[0][0], action=None), measured[0][1], measured[1][1])
    unknown = contact_list([milder, risky], DAY, 2, 0.0, seed=1)
    assert [(c.tutor_id, c.expected_prevented) for c in unknown] == [("ann", None), ("ben", None)]
    ranked = contact_list([milder, risky], DAY, 2, 0.0, seed=1, effects=known)
    assert [c.tutor_id for c in ranked] == ["ben", "ann"]
    assert known[1].relative is not None
    assert ranked[0].expected_prevented == pytest.approx(0.3 * known[1].relative.value)


def test_the_day_planned_is_tomorrow_by_the_utc_calendar() -> None:
    assert planned_day(NOON) == DAY
    assert planned_day(NOON.astimezone(UTC).replace(hour=0, minute=20)) == DAY
