"""Waiting for notifications of PostgreSQL, with a timeout."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from store.db.engine import Engine
from store.db.listener import Listener

_STOP_SECONDS = 0.25

Waits = Callable[[float], None]
"""Function that returns at the next notification, or after a number of seconds."""


@contextmanager
def notified(engine: Engine, stop: threading.Event, channels: Sequence[str] = ("inbox",)) -> Iterator[Waits]:
    """Yield a wait that ends at a notification on one of the channels, and soon after `stop` is set."""
    notification = threading.Event()

    def waits(seconds: float) -> None:
        until = time.monotonic() + seconds
        while not stop.is_set() and (left := until - time.monotonic()) > 0:
            if notification.wait(min(left, _STOP_SECONDS)):
                break
        notification.clear()

    listener = Listener(engine, channels, lambda _: notification.set())
    listener.start()
    try:
        yield waits
    finally:
        listener.close()
