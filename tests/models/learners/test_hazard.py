"""Hand-computed person-periods, and the probabilities derived from hazards."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.history.history import MISSING
from models.learners.hazard import leaves_within, periods_within, person_periods, with_period

DAY = 86_400_000_000
PERIODS = (0, 7, 14, 30)


def periods_of(leaves_after: int | None, watched: float) -> list[tuple[int, int]]:
    """Person-periods (period, label) of one tutor, queried on day 0 and observed for `watched` days."""
    leaves_at = np.array([MISSING if leaves_after is None else leaves_after * DAY])
    found = person_periods(np.array([0]), leaves_at, PERIODS, round(watched * DAY))
    return list(zip(found.period.tolist(), found.label.astype(int).tolist(), strict=True))


def test_who_stays_is_counted_in_every_period_that_was_watched_to_its_end() -> None:
    assert periods_of(None, 30) == [(0, 0), (1, 0), (2, 0)]
    assert periods_of(None, 29.9) == [(0, 0), (1, 0)]
    assert periods_of(None, 6.9) == []


def test_who_leaves_is_counted_up_to_the_period_of_leaving_and_in_none_after() -> None:
    assert periods_of(0, 90) == [(0, 1)]
    assert periods_of(7, 90) == [(0, 0), (1, 1)]
    assert periods_of(29, 90) == [(0, 0), (1, 0), (2, 1)]
    assert periods_of(30, 90) == [(0, 0), (1, 0), (2, 0)]


def test_leaving_in_a_period_still_running_is_not_counted_yet() -> None:
    assert periods_of(15, 20) == [(0, 0), (1, 0)]


def test_rows_cut_short_before_they_left_are_counted_as_censored() -> None:
    leaves_at = np.array([MISSING, MISSING, 3 * DAY, 20 * DAY])
    as_of = np.array([0, 15 * DAY, 0, 0])
    assert person_periods(as_of, leaves_at, PERIODS, 30 * DAY).censored == 1
    assert person_periods(as_of, leaves_at, PERIODS, 25 * DAY).censored == 3
    assert person_periods(as_of, leaves_at, PERIODS, 45 * DAY).censored == 0


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(st.none(), st.integers(0, 60)), min_size=1, max_size=40))
def test_without_censoring_the_hazards_multiply_to_the_share_that_leaves(days: list[int | None]) -> None:
    leaves_at = np.array([MISSING if d is None else d * DAY for d in days])
    found = person_periods(np.zeros(len(days), np.int64), leaves_at, PERIODS, 90 * DAY)
    at_risk = np.bincount(found.period, minlength=3)
    hazards = np.bincount(found.period, found.label, 3) / np.maximum(at_risk, 1)
    for number, end in enumerate(PERIODS[1:], start=1):
        left = np.mean([d is not None and d < end for d in days])
        assert leaves_within(hazards[None, :number])[0] == pytest.approx(left, abs=1e-9)


def test_a_longer_time_is_never_less_likely() -> None:
    hazards = np.random.default_rng(0).random((50, 3))
    within = [leaves_within(hazards[:, :n]) for n in (1, 2, 3)]
    assert (within[0] <= within[1]).all()
    assert (within[1] <= within[2]).all()


def test_days_at_which_no_period_ends_are_refused_with_those_at_which_one_does() -> None:
    assert periods_within(PERIODS, 14) == 2
    with pytest.raises(ValueError, match="no period ends after 10 days, only after 7, 14, 30"):
        periods_within(PERIODS, 10)


def test_the_period_stands_in_the_last_column() -> None:
    matrix = with_period(np.ones((2, 3), np.float32), np.array([0, 4], np.int8))
    assert matrix.tolist() == [[1, 1, 1, 0], [1, 1, 1, 4]]
    assert matrix.flags.f_contiguous
