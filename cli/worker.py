"""`tqs worker`: the process that works on what came in and sends what goes out."""

import os
import signal
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from jobs.runtime import Runtime

START_SECONDS = 2.0
"""How long to wait for a database that is away at the start, before asking again."""

STOP_SECONDS = 60.0
"""How long the work at hand may take after a polite kill."""


def worker(
    once: Annotated[bool, typer.Option("--once", help="Work on what is due now, then end.")] = False,
) -> None:
    """Bring scores up to date as events come in, and send our webhooks to Rails, until stopped.

    Any number of workers may run. On SIGTERM or Ctrl-C the events at hand are finished.
    """
    import logging

    from gateways.clock import utc_now
    from jobs.event_worker import Worker
    from jobs.runtime import open_runtime

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line a webhook says no more than its row
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    if once:
        with open_runtime(os.environ) as runtime:
            print(f"{Worker(runtime.engine, utc_now).drain(stop)} events done")
    else:
        work_until(stop)


def work_until(stop: threading.Event) -> None:
    """Work until told to stop. A database that is away when the worker starts is waited for, as one that goes later."""
    import logging

    from domain.errors import DatabaseUnavailable
    from jobs.runtime import open_runtime

    while not stop.is_set():
        try:
            with open_runtime(os.environ) as runtime:
                run_together(_loops(runtime, stop), stop)
        except DatabaseUnavailable as error:
            if stop.is_set():  # one of the loops ended with it
                raise
            logging.getLogger("tutor_quality.worker").error("%s", error)
            stop.wait(START_SECONDS)


def _loops(runtime: "Runtime", stop: threading.Event) -> Mapping[str, Callable[[], None]]:
    from gateways.clock import utc_now
    from jobs.event_worker import Worker
    from jobs.heartbeat import beating
    from jobs.rails_webhooks import run as send
    from jobs.waiting import called

    def inbox() -> None:
        with called(runtime.engine, stop) as waits, beating(runtime.engine, utc_now) as beat:
            Worker(runtime.engine, utc_now, beat=beat).run(waits, stop)

    return {"inbox": inbox, "deliveries": lambda: send(runtime.engine, runtime.settings, stop)}


def run_together(loops: Mapping[str, Callable[[], None]], stop: threading.Event) -> None:
    """Run each loop in a thread of its own until told to stop.

    Where one fails the others are told to stop, and its error is raised: half a worker would look like a whole one.
    """
    failed: list[Exception] = []

    def guarded(loop: Callable[[], None]) -> None:
        try:
            loop()
        except Exception as error:
            failed.append(error)
            stop.set()

    threads = [threading.Thread(target=guarded, args=(loop,), name=name) for name, loop in loops.items()]
    for thread in threads:
        thread.start()
    while not stop.wait(0.5):  # an unlimited wait may sleep through a signal
        pass
    for thread in threads:
        thread.join(STOP_SECONDS)
    if failed:
        raise failed[0]
