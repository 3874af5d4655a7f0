"""Signed webhooks to a served API, for tests of events."""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from http.client import HTTPConnection
from typing import Any

import httpx
from sqlalchemy import Engine, text

from domain.events.examples import example
from gateways.rails.signatures import Signatures
from serving.guard.memory_counts import MemoryCounts
from serving.guard.rate_limits import Limits
from serving.resources import Resources
from serving.state.champions import Champions
from tests.lib.api_parts import KEY, serving

NOW = datetime.fromisoformat("2026-11-23T17:01:00Z")
SECRET, NEXT_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + "B" * 32
SIGNATURES = Signatures((SECRET, NEXT_SECRET))


class Rails:
    """Sender of signed webhooks to one address."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def send(
        self, body: bytes, message_id: str = "evt-1", at: datetime = NOW, secret: str = SECRET, path: str = ""
    ) -> httpx.Response:
        """Post bytes, signed with one secret at the given moment."""
        signed = Signatures((secret,)).sign(message_id, body.decode(errors="replace"), at)
        return self.post(body, signed, path)

    def post(self, body: bytes, headers: Mapping[str, str], path: str = "") -> httpx.Response:
        """Post bytes with the given headers."""
        headers = {"Content-Type": "application/json", **headers}
        return self.http.post(f"/api/sessions{path}", content=body, headers=headers)

    def at_once(self, body: bytes, message_ids: Sequence[str], connections: int) -> list[tuple[int, bytes]]:
        """Post the same bytes once per id over several connections. Returns status and body per response, in order."""
        shares = [message_ids[n::connections] for n in range(connections)]
        with ThreadPoolExecutor(connections) as pool:
            answers = list(pool.map(lambda ids: self._in_turn(body, ids), shares))
        return [answers[n % connections][n // connections] for n in range(len(message_ids))]

    def _in_turn(self, body: bytes, message_ids: Sequence[str]) -> list[tuple[int, bytes]]:
        connection = HTTPConnection(self.http.base_url.host, self.http.base_url.port, timeout=30)
        answers = []
        for message_id in message_ids:
            headers = {"Content-Type": "application/json", **SIGNATURES.sign(message_id, body.decode(), NOW)}
            connection.request("POST", "/api/sessions", body, headers)
            answer = connection.getresponse()
            answers.append((answer.status, answer.read()))
        connection.close()
        return answers

    def send_event(self, event: Mapping[str, Any], message_id: str = "evt-1") -> httpx.Response:
        """Send one event."""
        return self.send(json.dumps(event).encode(), message_id)

    def send_batch(self, events: list[dict[str, Any]]) -> httpx.Response:
        """Send a batch."""
        return self.send(json.dumps({"events": events}).encode(), "batch-1", path="/batch")


@contextmanager
def rails(engine: Engine) -> Iterator[Rails]:
    """A sender with the service that it sends to."""
    generous = Limits("100000/minute", MemoryCounts())
    resources = Resources(engine, Champions(engine), KEY, lambda: NOW, generous, signatures=SIGNATURES)
    try:
        with serving(resources) as address, httpx.Client(base_url=address, timeout=30) as http:
            yield Rails(http)
    finally:
        resources.close()


def completed(**data: Any) -> dict[str, Any]:
    """Event of a completed session, with some data replaced."""
    event = example("session.completed")
    return event | {"data": event["data"] | data}


def booked(event_id: str, session_id: str) -> dict[str, Any]:
    """Event of a booked session, for a batch."""
    event = example("session.booked")
    return {"id": event_id, **event, "data": event["data"] | {"session_id": session_id}}


def inbox(engine: Engine) -> list[Any]:
    """Rows of the inbox, oldest first."""
    with engine.begin() as connection:
        return list(connection.execute(text("SELECT * FROM inbox ORDER BY id")).all())
