"""Main process of the embedded PostgreSQL: liveness, orphaned backends, restart after a crash."""

import logging
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from domain.errors import DatabaseUnavailable

_CHECK_SECONDS = 1.0
_MAX_WAIT_SECONDS = 10.0
_ORPHAN_SECONDS = 10.0
_log = logging.getLogger(__name__)


def serves(pid: int, cluster: Path) -> bool:
    """Whether a process is the PostgreSQL server of the cluster."""
    try:
        return str(cluster) in psutil.Process(pid).cmdline()
    except psutil.Error:
        return False


def lives(pid_file: Path) -> bool:
    """Whether the server that wrote the pid file is running."""
    try:
        return serves(int(pid_file.read_text().split("\n", 1)[0]), pid_file.parent)
    except (OSError, ValueError):
        return False


def end_orphans(cluster: Path) -> None:
    """End backends that survived a killed server: beside a new server they would corrupt the files they still write.

    Raises DatabaseUnavailable if one does not end.
    """
    orphans = [process for process in psutil.process_iter(["name"]) if _works_in(process, cluster)]
    for process in orphans:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGQUIT)
    _, left = psutil.wait_procs(orphans, timeout=_ORPHAN_SECONDS)
    if left:
        numbers = ", ".join(str(process.pid) for process in left)
        raise DatabaseUnavailable(f"Processes {numbers} of a crashed PostgreSQL still use {cluster}: end them.")


def _works_in(process: psutil.Process, cluster: Path) -> bool:
    try:
        return process.info["name"] == "postgres" and process.cwd() == str(cluster)
    except psutil.Error:
        return False


class Watch:
    """Thread that checks every second whether a server is alive, and restarts it if not.

    `revive` returns whether the server is running again; if it returns False or raises DatabaseUnavailable or OSError,
    the wait before the next attempt doubles, up to ten seconds.
    """

    def __init__(self, is_alive: Callable[[], bool], revive: Callable[[], bool]) -> None:
        """Start the thread."""
        self._is_alive, self._revive = is_alive, revive
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="postgresql-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; after this returns, no server is restarted."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        wait = _CHECK_SECONDS
        while not self._stopped.wait(wait):
            wait = _CHECK_SECONDS if self._is_alive() or self._try() else min(2 * wait, _MAX_WAIT_SECONDS)

    def _try(self) -> bool:
        try:
            return self._revive()
        except (DatabaseUnavailable, OSError) as error:
            _log.warning("The embedded PostgreSQL is down and could not be restarted: %s", error)
            return False
