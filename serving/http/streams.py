"""Limit on open streams (server-sent events and WebSockets) per key in this process."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from domain.errors import TooManyRequests

RETRY_SECONDS = 30
"""Retry-After when a key has too many open streams, in seconds."""


class Streams:
    """Counter of open streams by key, for one event loop. Access tokens count with their key."""

    def __init__(self, per_key: int) -> None:
        self._per_key = per_key
        self._open: Counter[str] = Counter()

    @contextmanager
    def opened(self, key_id: str) -> Iterator[None]:
        """Count one stream of a key for the duration of the block. Raises TooManyRequests at the limit."""
        if self._open[key_id] >= self._per_key:
            raise TooManyRequests(RETRY_SECONDS, f"this key has {self._per_key} streams open")
        self._open[key_id] += 1
        try:
            yield
        finally:
            self._open[key_id] -= 1
            if not self._open[key_id]:
                del self._open[key_id]
