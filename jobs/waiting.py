"""Waiting for work: woken by PostgreSQL as soon as there is some, and looking now and then all the same."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from store.db.engine import Engine
from store.db.listener import Listener

_STOP_SECONDS = 0.25

Waits = Callable[[float], None]
"""Returns when there are new rows, or when so many seconds are over."""


@contextmanager
def called(engine: Engine, stop: threading.Event, channels: Sequence[str] = ("inbox",)) -> Iterator[Waits]:
    """A wait that ends when PostgreSQL tells of new rows on these channels, and soon after `stop` is set."""
    rings = threading.Event()

    def waits(seconds: float) -> None:
        until = time.monotonic() + seconds
        while not stop.is_set() and (left := until - time.monotonic()) > 0:
            if rings.wait(min(left, _STOP_SECONDS)):
                break
        rings.clear()

    listener = Listener(engine, channels, lambda _: rings.set())
    listener.start()
    try:
        yield waits
    finally:
        listener.close()
