"""The main process of the embedded PostgreSQL: whether it lives, what a dead one left, and a watch that revives it."""

import logging
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from domain.errors import DatabaseUnavailable

_LOOK_SECONDS = 1.0
_MOST_SECONDS = 10.0
_ORPHAN_SECONDS = 10.0
_log = logging.getLogger(__name__)


def serves(pid: int, cluster: Path) -> bool:
    """Whether a process is the PostgreSQL server of a cluster."""
    try:
        return str(cluster) in psutil.Process(pid).cmdline()
    except psutil.Error:
        return False


def lives(pid_file: Path) -> bool:
    """Whether the server that wrote a pid file runs."""
    try:
        return serves(int(pid_file.read_text().split("\n", 1)[0]), pid_file.parent)
    except (OSError, ValueError):
        return False


def end_orphans(cluster: Path) -> None:
    """End the backends that outlived a killed server: beside a new one, they would corrupt the files they still write.

    Raises DatabaseUnavailable if one does not end.
    """
    orphans = [process for process in psutil.process_iter(["name"]) if _works_in(process, cluster)]
    for process in orphans:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGQUIT)
    _, left = psutil.wait_procs(orphans, timeout=_ORPHAN_SECONDS)
    if left:
        numbers = ", ".join(str(process.pid) for process in left)
        raise DatabaseUnavailable(f"Processes {numbers} of a PostgreSQL that crashed still use {cluster}: end them.")


def _works_in(process: psutil.Process, cluster: Path) -> bool:
    try:
        return process.info["name"] == "postgres" and process.cwd() == str(cluster)
    except psutil.Error:
        return False


class Watch:
    """A thread that looks every second whether a server lives, and revives one that does not.

    `revive` says whether the server is to be expected back at once; where it raises DatabaseUnavailable or OSError, or
    says no, the next try waits longer, up to ten seconds.
    """

    def __init__(self, is_alive: Callable[[], bool], revive: Callable[[], bool]) -> None:
        """Starts at once."""
        self._is_alive, self._revive = is_alive, revive
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch of PostgreSQL", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; when this returns, nothing is revived any more."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        wait = _LOOK_SECONDS
        while not self._stopped.wait(wait):
            wait = _LOOK_SECONDS if self._is_alive() or self._try() else min(2 * wait, _MOST_SECONDS)

    def _try(self) -> bool:
        try:
            return self._revive()
        except (DatabaseUnavailable, OSError) as error:
            _log.warning("The embedded PostgreSQL is gone and does not start yet: %s", error)
            return False
