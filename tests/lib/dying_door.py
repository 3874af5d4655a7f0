"""A TCP proxy to PostgreSQL that closes permanently when certain bytes pass through it."""

import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit


class DyingDoor:
    """Proxy between its own port and a server that closes when a client sends `last_words`."""

    def __init__(self, server_url: str, last_words: bytes) -> None:
        parts = urlsplit(server_url)
        self._server = (parts.hostname or "127.0.0.1", parts.port or 5432)
        self._last_words, self._open = last_words, list[socket.socket]()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.said = False
        netloc = parts.netloc.rpartition("@")[0] + f"@127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = parts._replace(netloc=netloc).geturl()
        threading.Thread(target=self._welcome, daemon=True).start()

    def shut(self) -> None:
        """Close all connections and the listening socket."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _welcome(self) -> None:
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
                if self._last_words in data:
                    self.said = True
                    self.shut()
                    return
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
