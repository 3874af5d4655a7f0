"""Stand-in for a Rails app: serves events to the service and accepts its webhooks.

`GET /tutor_quality/events` returns all events since a moment, page by page, as requested by `tqs rails sync`;
`POST /tutor_quality/webhooks` accepts and verifies webhooks, and fails on purpose if configured to.
"""

import json
import random
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hmac import compare_digest
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from standardwebhooks import Webhook, WebhookVerificationError

from simulator.day import Event

EVENTS_PATH, WEBHOOKS_PATH = "/tutor_quality/events", "/tutor_quality/webhooks"
PAGE = 500
LARGEST_BODY = 1_000_000


@dataclass
class RailsApp:
    """Events and received webhooks of the app.

    events: all events, oldest first. token: the service's bearer token for reading them. secrets: signing secrets of
    its webhooks. fail: share of valid webhooks answered with 503.
    """

    events: Sequence[Event]
    token: str
    secrets: Sequence[str]
    fail: float = 0.0
    deliveries: Counter[str] = field(default_factory=Counter)
    bodies: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: int = 0
    failed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def page(self, since: datetime, until: datetime | None, cursor: str | None, limit: int) -> dict[str, Any]:
        """Events since a moment, and before another; `next_cursor` is null on the last page."""
        at = ((event, datetime.fromisoformat(event["timestamp"])) for event in self.events)
        found = [event for event, moment in at if moment >= since and (until is None or moment < until)]
        begin = int(cursor or 0)
        end = begin + limit
        return {"events": found[begin:end], "next_cursor": str(end) if end < len(found) else None}

    def take(self, body: bytes, headers: Mapping[str, str]) -> HTTPStatus:
        """Accept a webhook; repeated ids are counted per id."""
        if not self._is_signed(body, headers):
            self.refused += 1
            return HTTPStatus.UNAUTHORIZED
        with self.lock:
            if random.random() < self.fail:
                self.failed += 1
                return HTTPStatus.SERVICE_UNAVAILABLE
            self.deliveries[headers["webhook-id"]] += 1
            self.bodies[headers["webhook-id"]] = json.loads(body)
        return HTTPStatus.OK

    def _is_signed(self, body: bytes, headers: Mapping[str, str]) -> bool:
        for secret in self.secrets:
            try:
                Webhook(secret).verify(body, dict(headers), json_parse=False)
            except (WebhookVerificationError, ValueError):
                continue
            return True
        return False


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # the library's default of 5 would reject simultaneous connections

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log an error, unless the client has only closed the connection."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def running(app: RailsApp, port: int = 0) -> Iterator[str]:
    """Serve the app over HTTP on the loopback address (port 0: any free one); yields its address."""
    server = _Server(("127.0.0.1", port), partial(_Handler, app))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """One connection to the app."""

    protocol_version = "HTTP/1.1"

    def __init__(self, app: RailsApp, *connection: Any) -> None:
        self.app = app  # first: the constructor below already handles the request
        super().__init__(*connection)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path != EVENTS_PATH:
            return self._answer(HTTPStatus.NOT_FOUND)
        if not compare_digest(self.headers.get("Authorization", "").encode(), f"Bearer {self.app.token}".encode()):
            return self._answer(HTTPStatus.UNAUTHORIZED)
        try:
            found = self._page({name: values[0] for name, values in parse_qs(parts.query).items()})
        except (KeyError, ValueError):
            return self._answer(HTTPStatus.UNPROCESSABLE_ENTITY)
        self._answer(HTTPStatus.OK, found)

    def _page(self, asked: Mapping[str, str]) -> dict[str, Any]:
        until = datetime.fromisoformat(asked["until"]) if "until" in asked else None
        since, limit = datetime.fromisoformat(asked["since"]), int(asked.get("limit", PAGE))
        return self.app.page(since, until, asked.get("cursor"), limit)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        if length > LARGEST_BODY:
            return self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        body = self.rfile.read(length)
        known = urlsplit(self.path).path == WEBHOOKS_PATH
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._answer(self.app.take(body, headers) if known else HTTPStatus.NOT_FOUND)

    def _answer(self, status: HTTPStatus, document: Mapping[str, Any] | None = None) -> None:
        body = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing: requests may contain personal data."""
