"""LISTEN on a dedicated connection in a thread, with reconnection."""

import logging
import selectors
import socket
import threading
from collections.abc import Callable, Sequence

import psycopg2
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT
from psycopg2.extensions import connection as Connection
from psycopg2.sql import SQL, Identifier

from store.db.engine import Engine

logger = logging.getLogger("tutor_quality.store")

CHECK_SECONDS = 5.0
"""Seconds of silence after which the connection is checked."""

RETRY_SECONDS = (0.1, 0.3, 1.0, 3.0)
"""Waits before reconnecting; the last one repeats."""


class Listener:
    """A daemon thread that listens on channels and reconnects when the connection is lost.

    `on_notify(channel)` is called in that thread for each notification, and once per channel after each connection,
    since notifications sent in the meantime are lost. `on_lost()` is called when the connection is lost.
    """

    def __init__(
        self,
        engine: Engine,
        channels: Sequence[str],
        on_notify: Callable[[str], None],
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        self._address = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._channels, self._on_notify, self._on_lost = tuple(channels), on_notify, on_lost
        self._stop, self._connected = threading.Event(), threading.Event()
        self._woken, self._waker = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name=f"listen {' '.join(channels)}", daemon=True)

    @property
    def is_connected(self) -> bool:
        """Whether notifications arrive now."""
        return self._connected.is_set()

    def start(self) -> None:
        """Start to listen."""
        self._thread.start()

    def wait_connected(self, seconds: float) -> bool:
        """Wait until connected. Returns whether it is."""
        return self._connected.wait(seconds)

    def close(self) -> None:
        """Stop listening and wait for the thread."""
        self._stop.set()
        self._waker.close()  # makes the other end readable, which ends the wait
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(CHECK_SECONDS)
        self._woken.close()

    def _run(self) -> None:
        tries = 0
        while not self._stop.is_set():
            if self._listen():
                tries = 0
            self._stop.wait(RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)])
            tries += 1

    def _listen(self) -> bool:
        """Listen until the connection is lost or `close` is called. Returns whether a connection was made."""
        try:
            connection = self._connect()
        except psycopg2.Error as error:
            logger.warning("cannot listen to the database: %s", _first_line(error))
            return False
        self._connected.set()
        try:
            self._notify_until_stopped(connection)
        except psycopg2.Error as error:
            logger.warning("lost the connection that listens to the database: %s", _first_line(error))
        finally:
            self._connected.clear()
            self._on_lost()
            connection.close()
        return True

    def _connect(self) -> Connection:
        # A dead connection is detected after ten seconds instead of after the hours of TCP.
        connection: Connection = psycopg2.connect(
            self._address,
            connect_timeout=3,
            tcp_user_timeout=10_000,
            application_name=f"tqs listening to {' '.join(self._channels)}",  # shown in pg_stat_activity
        )
        connection.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
        with connection.cursor() as cursor:
            for channel in self._channels:
                cursor.execute(SQL("LISTEN {}").format(Identifier(channel)))
        return connection

    def _notify_until_stopped(self, connection: Connection) -> None:
        for channel in self._channels:
            self._on_notify(channel)
        with selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while not self._stop.is_set():
                if not selector.select(CHECK_SECONDS):
                    _check(connection)
                connection.poll()
                while connection.notifies:
                    self._on_notify(connection.notifies.pop(0).channel)


def _check(connection: Connection) -> None:
    """Raise psycopg2.Error if the connection is dead."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
