"""Limit on wrong passwords by address and by user, kept in the memory of the dashboard's only process."""

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=5)
BY_ADDRESS, BY_USER = 10, 30
"""Wrong passwords per window before further attempts are refused. BY_USER limits guesses from many addresses."""

_MOST_KEPT = 10_000


class Attempts:
    """Wrong passwords of the last five minutes."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._wrong: dict[tuple[str, str], deque[datetime]] = {}

    def wait(self, address: str, user: str) -> timedelta:
        """Time until this address and user may try again; zero if they may now."""
        return max(self._wait("address", address, BY_ADDRESS), self._wait("user", user, BY_USER))

    def wrong(self, address: str, user: str) -> None:
        """Count a wrong password."""
        for kind, name, most in (("address", address, BY_ADDRESS), ("user", user, BY_USER)):
            times = self._wrong.pop((kind, name), deque(maxlen=most))
            times.append(self._now())
            self._wrong[kind, name] = times  # re-inserted last, so that the oldest entries are evicted first
        while len(self._wrong) > _MOST_KEPT:
            del self._wrong[next(iter(self._wrong))]

    def _wait(self, kind: str, name: str, most: int) -> timedelta:
        times = self._wrong.get((kind, name))
        if times is None or len(times) < most:
            return timedelta()
        return max(times[0] + WINDOW - self._now(), timedelta())
