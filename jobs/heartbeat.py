"""Heartbeat of a worker, written by the loop that does the work, so that a hanging loop is detected."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from uuid import uuid4

from domain.errors import DatabaseUnavailable
from store.db.engine import Engine
from store.operations.workers import WorkerSeen, record_heartbeat, remove_worker

EVERY = timedelta(seconds=10)
"""Shortest interval between heartbeats."""


@contextmanager
def beating(engine: Engine, now: Callable[[], datetime]) -> Iterator[Callable[[], None]]:
    """Yield a function that records a heartbeat of this process. The row is deleted at the end of the block."""
    worker, started, host = uuid4(), now(), socket.gethostname()
    written: list[datetime] = []

    def beat() -> None:
        moment = now()
        if not written or not timedelta(0) <= moment - written[-1] < EVERY:
            record_heartbeat(engine, WorkerSeen(worker, host, os.getpid(), started, moment))
            written[:] = [moment]

    try:
        yield beat
    finally:
        with suppress(DatabaseUnavailable):  # the row then expires, like that of a killed worker
            remove_worker(engine, worker)
