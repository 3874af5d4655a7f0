"""The delay requested by Retry-After, in every valid form and in invalid ones."""

from datetime import timedelta

import httpx
import pytest

from gateways.rails.retry_after import asked_wait

NOON = "Mon, 30 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("90", 90),
        ("86400", 3600),
        ("9" * 5000, 3600),
        ("Mon, 30 Nov 2026 12:01:30 GMT", 90),
        ("Mon, 30 Nov 2026 11:00:00 GMT", 0),
        ("Mon, 30 Nov 2026 23:00:00 GMT", 3600),
        ("Mon, 30 Nov 2026 12:01:30 -0000", None),
        ("Mon, 99 Nov 2026 12:01:30 GMT", None),
        ("-5", None),
        ("1.5", None),
        ("\u00b2", None),
        ("soon", None),
        ("", None),
    ],
)
def test_seconds_and_moments_are_understood_up_to_the_most(header: str, seconds: int | None) -> None:
    response = httpx.Response(503, headers={"date": NOON, "retry-after": header.encode()})
    assert asked_wait(response, timedelta(hours=1)) == (None if seconds is None else timedelta(seconds=seconds))


def test_a_moment_without_the_apps_own_clock_says_nothing() -> None:
    response = httpx.Response(503, headers={"retry-after": NOON})
    assert asked_wait(response, timedelta(hours=1)) is None
