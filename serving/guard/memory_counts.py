"""Request counts in the memory of one process."""

import time
from collections.abc import Callable
from threading import Lock

from limits.storage import Storage

from store.access.rate_limits import PRUNE_EVERY


class MemoryCounts(Storage):
    """A storage of the library `limits`. Thread-safe.

    The library's own memory storage starts a thread in every hundredth of a second that counts a request, which costs
    more than the rest of the guard.
    """

    STORAGE_SCHEME = None  # constructed directly, never from a URI

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._now = now
        self._counts: dict[str, tuple[int, float]] = {}  # count and expiry, in seconds since 1970
        self._lock, self._counted = Lock(), 0

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """Exceptions the storage may raise: none."""
        return ()

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add to a count and return it. It expires `expiry` seconds after its first request."""
        now = self._now()
        with self._lock:
            count, until = self._counts.get(key, (0, 0.0))
            count, until = (count + amount, until) if until > now else (amount, now + expiry)
            self._counts[key] = count, until
            self._counted += 1
            if self._counted % PRUNE_EVERY == 0:
                self._counts = {name: entry for name, entry in self._counts.items() if entry[1] > now}
            return count

    def get(self, key: str) -> int:
        """The current count, zero once expired."""
        count, until = self._counts.get(key, (0, 0.0))
        return count if until > self._now() else 0

    def get_expiry(self, key: str) -> float:
        """Expiry of the count, in seconds since 1970; now if there is none."""
        now = self._now()
        return max(self._counts.get(key, (0, now))[1], now)

    def check(self) -> bool:
        """Return True: memory is always available."""
        return True

    def reset(self) -> int:
        """Delete every count. Returns how many there were."""
        with self._lock:
            dropped, self._counts = self._counts, {}
        return len(dropped)

    def clear(self, key: str) -> None:
        """Delete one count."""
        with self._lock:
            self._counts.pop(key, None)

    def __len__(self) -> int:
        return len(self._counts)
