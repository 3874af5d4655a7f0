"""Counting requests in the memory of one process."""

import time
from collections.abc import Callable
from threading import Lock

from limits.storage import Storage

from store.access.rate_limits import PRUNE_EVERY


class MemoryCounts(Storage):
    """A storage of the library `limits`, safe between threads.

    The library's own starts a thread each hundredth of a second in which somebody is counted, which costs a request
    more than all else that is done to let it in.
    """

    STORAGE_SCHEME = None  # made here, never from an address

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._now = now
        self._held: dict[str, tuple[int, float]] = {}  # a count, and when it is over, in seconds since 1970
        self._lock, self._counted = Lock(), 0

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """What goes wrong with it: nothing."""
        return ()

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count; the sum so far. `expiry` in seconds counts from the first of them."""
        now = self._now()
        with self._lock:
            count, until = self._held.get(key, (0, 0.0))
            count, until = (count + amount, until) if until > now else (amount, now + expiry)
            self._held[key] = count, until
            self._counted += 1
            if self._counted % PRUNE_EVERY == 0:
                self._held = {name: held for name, held in self._held.items() if held[1] > now}
            return count

    def get(self, key: str) -> int:
        """The sum so far, zero where its time is over."""
        count, until = self._held.get(key, (0, 0.0))
        return count if until > self._now() else 0

    def get_expiry(self, key: str) -> float:
        """When the count begins anew, in seconds since 1970; now where nothing is counted."""
        now = self._now()
        return max(self._held.get(key, (0, now))[1], now)

    def check(self) -> bool:
        """That it answers."""
        return True

    def reset(self) -> int:
        """Forget everything; how many counts there were."""
        with self._lock:
            held, self._held = self._held, {}
        return len(held)

    def clear(self, key: str) -> None:
        """Forget one count."""
        with self._lock:
            self._held.pop(key, None)

    def __len__(self) -> int:
        return len(self._held)
