"""`tqs worker`: process that handles inbox events and sends webhooks."""

import os
import signal
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from jobs.runtime import Runtime

START_SECONDS = 2.0
"""Seconds between two attempts to connect to an unavailable database at the start."""

STOP_SECONDS = 60.0
"""Seconds that the current work may take after a stop signal."""


def worker(
    once: Annotated[bool, typer.Option("--once", help="Handle all due events, then exit.")] = False,
) -> None:
    """Update scores as events arrive, and send webhooks to Rails, until stopped.

    Any number of workers may run. On SIGTERM or Ctrl-C the current events are finished first.
    """
    import logging

    from gateways.clock import utc_now
    from jobs.event_worker import Worker
    from jobs.runtime import open_runtime

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # its line per webhook repeats the delivery's row
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    if once:
        with open_runtime(os.environ) as runtime:
            print(f"{Worker(runtime.engine, utc_now).drain(stop)} events done")
    else:
        work_until(stop)


def work_until(stop: threading.Event) -> None:
    """Work until `stop` is set. Waits for an unavailable database, at the start and later."""
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
    from jobs.waiting import notified

    def inbox() -> None:
        with notified(runtime.engine, stop) as waits, beating(runtime.engine, utc_now) as beat:
            Worker(runtime.engine, utc_now, beat=beat).run(waits, stop)

    return {"inbox": inbox, "deliveries": lambda: send(runtime.engine, runtime.settings, stop)}


def run_together(loops: Mapping[str, Callable[[], None]], stop: threading.Event) -> None:
    """Run each loop in its own thread until `stop` is set.

    If one fails, the others are stopped and its error is raised: a partly failed worker would look healthy.
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
    while not stop.wait(0.5):  # an unlimited wait may miss a signal
        pass
    for thread in threads:
        thread.join(STOP_SECONDS)
    if failed:
        raise failed[0]
