"""Lease policy of the inbox: growing waits, and when an event is parked."""

from datetime import timedelta

import pytest

from domain.leases import EARLY_LIMIT, MAX_TRIES, SHARED_TRIES, SHRINK, early_wait, is_spent, retry_wait

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def test_each_retry_waits_twice_as_long_and_the_last_failure_parks() -> None:
    waits = [retry_wait(tries) for tries in range(1, MAX_TRIES + 1)]
    assert waits == [5 * SECOND, 10 * SECOND, 20 * SECOND, 40 * SECOND, None]


def test_only_crashes_of_an_event_processed_alone_count_towards_parking() -> None:
    assert 500 // SHRINK**SHARED_TRIES == 0
    assert 500 // SHRINK ** (SHARED_TRIES - 1) > 0
    assert not is_spent(SHARED_TRIES + MAX_TRIES)
    assert is_spent(SHARED_TRIES + MAX_TRIES + 1)


@pytest.mark.parametrize(
    ("waited", "wait"),
    [(0 * SECOND, 10 * SECOND), (60 * SECOND, 60 * SECOND), (5 * HOUR, HOUR), (EARLY_LIMIT, HOUR)],
)
def test_an_early_event_waits_as_long_again_within_bounds(waited: timedelta, wait: timedelta) -> None:
    assert early_wait(waited) == wait


def test_an_early_event_is_parked_after_a_week() -> None:
    assert early_wait(EARLY_LIMIT + SECOND) is None
