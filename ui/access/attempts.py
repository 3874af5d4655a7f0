"""Limit of wrong passwords at the sign-in, by address and by user, in the memory of the dashboard's one process."""

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=5)
BY_ADDRESS, BY_USER = 10, 30
"""Wrong passwords in a window before the next tries are refused. The one by user is for guesses from many addresses."""

_MOST_KEPT = 10_000


class Attempts:
    """Wrong passwords of the last five minutes."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._wrong: dict[tuple[str, str], deque[datetime]] = {}

    def wait(self, address: str, user: str) -> timedelta:
        """How long this address and this user have to wait before the next try; zero if not at all."""
        return max(self._wait("address", address, BY_ADDRESS), self._wait("user", user, BY_USER))

    def wrong(self, address: str, user: str) -> None:
        """Count a wrong password."""
        for kind, name, most in (("address", address, BY_ADDRESS), ("user", user, BY_USER)):
            found = self._wrong.pop((kind, name), deque(maxlen=most))
            found.append(self._now())
            self._wrong[kind, name] = found  # at the end: the first are those longest without a wrong password
        while len(self._wrong) > _MOST_KEPT:
            del self._wrong[next(iter(self._wrong))]

    def _wait(self, kind: str, name: str, most: int) -> timedelta:
        found = self._wrong.get((kind, name))
        if found is None or len(found) < most:
            return timedelta()
        return max(found[0] + WINDOW - self._now(), timedelta())
