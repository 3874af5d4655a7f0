"""A TCP proxy to PostgreSQL that closes permanently when certain bytes pass through it."""

import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit


class FailingProxy:
    """Proxy between its own port and a server that closes when a client sends `trigger`."""

    def __init__(self, server_url: str, trigger: bytes) -> None:
        parts = urlsplit(server_url)
        self._server = (parts.hostname or "127.0.0.1", parts.port or 5432)
        self._trigger, self._open = trigger, list[socket.socket]()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.triggered = False
        netloc = parts.netloc.rpartition("@")[0] + f"@127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = parts._replace(netloc=netloc).geturl()
        threading.Thread(target=self._accept, daemon=True).start()

    def shut(self) -> None:
        """Close all connections and the listening socket."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for connection in (self._listener, *self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                self._open += [client, server]
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if self._trigger in data:
                    self.triggered = True
                    self.shut()
                    return
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
