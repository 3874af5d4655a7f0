"""Limits per connection: uvicorn's protocols with a time limit for headers, and WebSockets without compression.

`bentoml serve` starts uvicorn itself and offers no options for its protocols, so `use_bounded_protocols` registers ours
in uvicorn's table before BentoML creates the server. Both ways to start the service (`python -m serving` and
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
"""Greatest size of a request line with its headers."""

CONNECTIONS = 800
"""Most connections per process, idle ones included; below the 1,024 open files that most systems allow a process."""

MESSAGE_BYTES = 16 * 1024
"""Greatest size of one WebSocket message from a client, over all its frames."""

FRAMES = 64
"""Most frames per WebSocket message."""

STALLED_SECONDS = 5.0
"""Seconds to flush the last bytes before a connection whose client does not read is aborted."""

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"

_HANDSHAKES = "uvicorn.error.websocket"
"""Replaces uvicorn's logger for handshakes, whose log lines contain the path."""

_CONNECTIONS = "tutor_quality.serving.connections"

logger = logging.getLogger(_CONNECTIONS)


class BoundedHttp(HttpToolsProtocol):
    """HTTP/1.1 over one connection, closed when headers are late or too large, or when there are too many connections.

    It writes no access log: uvicorn's contains the path, and paths contain ids.
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
            logger.warning("Connections are refused: the limit of %d open connections is reached", self.max_connections)
            return self.transport.abort()
        self._await_headers()

    def data_received(self, data: bytes) -> None:
        """Pass bytes to the parser. Bytes between two requests start the time limit, even empty lines.

        So does the rest of a body whose response was sent before it arrived, but it does not count as header bytes.
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
        """Start the time limit, also for a request pipelined before the previous response."""
        self._await_headers()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Stop the time limit: the headers are complete."""
        self._stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the time limit when the connection ends."""
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
    """A WebSocket without compression, with small messages, whose client must read what is sent to it.

    Compression would allow two megabytes of deflated zeros to fill hundreds of megabytes of memory. A message over the
    limit closes the connection with 1009.
    """

    def __init__(self, config: Any, *args: Any, **kwargs: Any) -> None:
        config.ws_per_message_deflate = False
        config.ws_max_size = MESSAGE_BYTES
        super().__init__(config, *args, **kwargs)
        self.logger = logging.getLogger(_HANDSHAKES)

    def pause_writing(self) -> None:
        """Stop reading as well: pings from a client that does not read would fill the memory with pongs."""
        super().pause_writing()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Resume reading, unless a received message is still pending."""
        super().resume_writing()
        if not self.read_paused:
            self.transport.resume_reading()

    def handle_cont(self, event: Frame) -> None:
        """Handle one more frame of a message. Empty frames add no bytes, so their number is limited as well."""
        if len(self.frames) < FRAMES:
            return super().handle_cont(event)
        self.conn.fail(1009, f"a message has at most {FRAMES} frames")
        self.handle_parser_exception()

    async def send(self, message: Any) -> None:
        """Send a message of the app. Marks a refused handshake complete; otherwise uvicorn logs an error for each."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and self.close_sent:
            self.handshake_complete = True

    def keepalive_timeout(self) -> None:
        """Close a connection that does not answer pings, and abort it if the close is not flushed in time."""
        super().keepalive_timeout()
        self.loop.call_later(STALLED_SECONDS, self.transport.abort)


class OncePerMinute(logging.Filter):
    """Log filter that drops a warning logged within the last minute: any client can cause these warnings."""

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
    """Make these protocols uvicorn's default in this process; BentoML leaves the choice to the default."""
    HTTP_PROTOCOLS["auto"] = f"{__name__}:{BoundedHttp.__name__}"
    WS_PROTOCOLS["auto"] = f"{__name__}:{BoundedWebSocket.__name__}"
    logging.getLogger(_HANDSHAKES).setLevel(logging.WARNING)
    for name in ("uvicorn.error", _CONNECTIONS):
        logging.getLogger(name).addFilter(OncePerMinute())
