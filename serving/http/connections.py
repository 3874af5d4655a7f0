"""Limits of one connection: uvicorn's protocols with a time limit for headers, and WebSockets without compression.

`bentoml serve` starts uvicorn itself and offers no options for its protocols, so `use_bounded_protocols` names ours in
uvicorn's table before BentoML makes the server. Both ways to start the service (`python -m serving` and
`bentoml serve`) go through `serving.http.bentoml_bypass`, which calls it.
"""

import logging
from asyncio import BaseTransport, TimerHandle, Transport
from typing import Any, cast

from uvicorn.config import HTTP_PROTOCOLS, WS_PROTOCOLS
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

HEADER_SECONDS = 10.0
"""Seconds for the headers of a request to arrive completely, counted from the connection or their first byte."""

HEADER_BYTES = 64 * 1024
"""Size of a request's line and headers."""

CONNECTIONS = 800
"""Connections of one process, idle ones included; below the 1,024 open files that most systems allow a process."""

MESSAGE_BYTES = 16 * 1024
"""Size of one message a client may send over a WebSocket, in whatever number of frames."""

FRAMES = 64
"""Frames one message may have."""

STALLED_SECONDS = 5.0
"""Seconds for the last bytes to leave before a connection whose other end reads nothing is aborted."""

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"

_HANDSHAKES = "uvicorn.error.websocket"
"""Logger in place of uvicorn's for its line about every handshake, which repeats the path."""

_CONNECTIONS = "tutor_quality.serving.connections"

logger = logging.getLogger(_CONNECTIONS)


class BoundedHttp(HttpToolsProtocol):
    """HTTP/1.1 over one connection, closed when headers are late or too large, or when there are too many connections.

    It writes no access log: uvicorn's repeats the path, and paths hold ids.
    """

    header_seconds = HEADER_SECONDS
    header_bytes = HEADER_BYTES
    max_connections = CONNECTIONS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.access_log = False
        self._late: TimerHandle | None = None
        self._header_bytes = 0

    def connection_made(self, transport: BaseTransport) -> None:  # type: ignore[override]
        """Start the time limit of the first request's headers, or refuse a connection over the limit."""
        super().connection_made(cast(Transport, transport))
        if len(self.connections) > self.max_connections:
            logger.warning("Connections are refused: %d are open, which is the limit", self.max_connections)
            return self.transport.abort()
        self._await_headers()

    def data_received(self, data: bytes) -> None:
        """Pass bytes to the parser. Bytes between two requests start the time limit, even empty lines.

        So does the rest of a body that was answered before it had come, but it is no header.
        """
        is_rest_of_body = self.cycle is not None and self.cycle.response_complete and self.cycle.more_body
        if self.cycle is None or self.cycle.response_complete:
            self._await_headers()
        if not is_rest_of_body:
            self._header_bytes += len(data)
        super().data_received(data)
        if self._late is not None and self._header_bytes > self.header_bytes and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        """Start the time limit, also of a request sent before the last one was answered."""
        self._await_headers()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Stop the time limit: the headers are there."""
        self._stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the time limit with the connection."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _await_headers(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(self.header_seconds, self.transport.abort)
            self._header_bytes = 0

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket without compression, with small messages, whose client has to read what it is sent.

    Compression multiplies: two megabytes of deflated zeros are hundreds in memory. A message over the limit closes the
    connection with 1009.
    """

    def __init__(self, config: Any, *args: Any, **kwargs: Any) -> None:
        config.ws_per_message_deflate = False
        config.ws_max_size = MESSAGE_BYTES
        super().__init__(config, *args, **kwargs)
        self.logger = logging.getLogger(_HANDSHAKES)

    def pause_writing(self) -> None:
        """Stop reading too: pings of a client that reads no pongs would fill the memory with pongs."""
        super().pause_writing()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Read again, unless a message still waits to be taken."""
        super().resume_writing()
        if not self.read_paused:
            self.transport.resume_reading()

    def handle_cont(self, event: Frame) -> None:
        """Take one more frame of a message. Empty frames add no bytes, so their number is limited as well."""
        if len(self.frames) < FRAMES:
            return super().handle_cont(event)
        self.conn.fail(1009, f"a message has at most {FRAMES} frames")
        self.handle_parser_exception()

    async def send(self, message: Any) -> None:
        """Send a message of the app. A handshake that was refused is complete, or uvicorn logs an error for each."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and self.close_sent:
            self.handshake_complete = True

    def keepalive_timeout(self) -> None:
        """Close a connection that answers no ping; abort it where even that does not get through."""
        super().keepalive_timeout()
        self.loop.call_later(STALLED_SECONDS, self.transport.abort)


class OncePerMinute(logging.Filter):
    """Drops a warning that was logged less than a minute ago: anybody may cause one, and each would be a line."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log the record. Errors always pass."""
        if record.levelno > logging.WARNING:
            return True
        if record.created - self._last.get(str(record.msg), 0.0) < 60:
            return False
        self._last[str(record.msg)] = record.created
        return True


def use_bounded_protocols() -> None:
    """Make uvicorn use these protocols in this process where no other is named, as BentoML names none."""
    HTTP_PROTOCOLS["auto"] = f"{__name__}:{BoundedHttp.__name__}"
    WS_PROTOCOLS["auto"] = f"{__name__}:{BoundedWebSocket.__name__}"
    logging.getLogger(_HANDSHAKES).setLevel(logging.WARNING)
    for name in ("uvicorn.error", _CONNECTIONS):
        logging.getLogger(name).addFilter(OncePerMinute())
