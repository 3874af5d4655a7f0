"""Open streams: WebSockets pass the same guard, and sending stops once the key is revoked."""

import json
import socket as raw_socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from domain.policy import Role
from domain.scores import Score
from domain.vocabulary import ScoreKind, SubjectKind
from serving.guard.authentication import INSTALLATION
from serving.http.connections import FRAMES, MESSAGE_BYTES
from serving.http.draining import MESSAGES
from serving.resources import Resources
from store.access.audit import read_rows
from store.access.keys import revoke_key
from store.db.engine import Engine
from store.facts.load import load
from store.scores.records import save_scores
from tests.lib.access_parts import bearer, callers, new_key, resources_of
from tests.lib.api_parts import NOW, PROBLEM, marketplace, problem, serving

STREAM = "/api/tutors/ada/changes/stream"
SOCKET = "/api/tutors/ada/changes/ws"


@pytest.fixture
def resources(engine: Engine) -> Resources:
    load(engine, marketplace())
    return resources_of(engine)


@pytest.fixture
def address(resources: Resources) -> Iterator[str]:
    with serving(resources) as found:
        assert httpx.get(f"{found}/api/health").status_code == 200
        assert resources.guard_context.authenticator.wait_listening(5)
        yield found
        resources.hub.close()  # otherwise the server would wait for the streams


def _change(engine: Engine, value: float) -> None:
    scored = Score(
        subject_kind=SubjectKind.TUTOR, subject_id="ada", kind=ScoreKind.HELP, value=value, low=0, high=1,
        model_version="1", as_of=NOW,
    )  # fmt: skip
    save_scores(engine, [scored])


def _revoked(engine: Engine, resources: Resources, key_id: str, text: str) -> None:
    """Revoke a key as another process would, and wait until this process is notified."""
    revoke_key(engine, key_id, INSTALLATION, NOW)
    until = time.monotonic() + 1
    while resources.guard_context.authenticator.cached(text) is not None:
        assert time.monotonic() < until
        time.sleep(0.005)


def test_a_stream_ends_with_its_key_before_the_next_change(
    address: str, engine: Engine, resources: Resources, caplog: pytest.LogCaptureFixture
) -> None:
    key, text = new_key(engine)
    with httpx.stream("GET", f"{address}{STREAM}", headers=bearer(text), timeout=5) as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith("retry")
        _change(engine, 0.9)
        assert next(line for line in lines if line.startswith("data: "))
        _revoked(engine, resources, key.id, text)
        _change(engine, 0.1)
        assert [line for line in lines if line] == []  # the stream ended without that change
    assert not caplog.records
    assert [row.row.action for row in read_rows(engine, "ada")] == ["GET /api/tutors/{tutor_id}/changes/stream"]


def test_a_websocket_is_closed_with_its_key_before_the_next_change(
    address: str, engine: Engine, resources: Resources, caplog: pytest.LogCaptureFixture
) -> None:
    key, text = new_key(engine)
    with connect(address.replace("http", "ws") + SOCKET, additional_headers=bearer(text)) as socket:
        _change(engine, 0.9)
        assert json.loads(socket.recv(5))["data"]["value"] == 0.9
        _revoked(engine, resources, key.id, text)
        _change(engine, 0.1)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(5)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008
    assert not [record for record in caplog.records if record.name.startswith("tutor_quality")]
    assert [row.row.action for row in read_rows(engine, "ada")] == ["WEBSOCKET /api/tutors/{tutor_id}/changes/ws"]


def test_a_websocket_opens_for_whom_the_policy_lets_in(address: str, engine: Engine) -> None:
    expected = {
        "anonymous": 401, "expired": 401, "revoked": 401, "ingest": 403, "read": 101, "admin": 101, "tutor": 101,
    }  # fmt: skip
    for caller, key in callers(engine).items():
        assert _opened(address + SOCKET, key) == expected[caller], caller
        assert _opened(f"{address}/api/tutors/ben/changes/ws", key) == (
            403 if caller == Role.TUTOR else expected[caller]
        )
        assert _opened(f"{address}/api/nowhere/ws", key) == (401 if expected[caller] == 401 else 404)


def test_a_key_holds_so_many_streams_and_another_key_is_not_affected(
    address: str, engine: Engine, resources: Resources
) -> None:
    _, text = new_key(engine)
    with ExitStack() as held:
        for _ in range(18):
            held.enter_context(connect(address.replace("http", "ws") + SOCKET, additional_headers=bearer(text)))
        for _ in range(2):
            held.enter_context(httpx.stream("GET", address + STREAM, headers=bearer(text)))
        refused = httpx.get(address + STREAM, headers=bearer(text))
        assert "20 streams" in problem(refused, 429, "too_many_requests")["detail"]
        assert int(refused.headers["retry-after"]) >= 1
        assert _opened(address + SOCKET, text) == 429
        assert _opened(address + SOCKET, new_key(engine)[1]) == 101
    _wait_for(lambda: _opened(address + SOCKET, text) == 101)


def test_what_a_client_sends_over_a_websocket_is_discarded_until_it_is_too_much(address: str, engine: Engine) -> None:
    _, text = new_key(engine)
    with connect(address.replace("http", "ws") + SOCKET, additional_headers=bearer(text)) as socket:
        for _ in range(MESSAGES):
            socket.send("hello")
        _change(engine, 0.9)
        assert json.loads(socket.recv(5))["data"]["value"] == 0.9
        socket.send("one too many")
        assert _closed(socket) == 1008


@pytest.mark.parametrize("sent", ["x" * (MESSAGE_BYTES + 1), ["x" * 1000] * 20, [""] * (FRAMES + 2)])
def test_a_message_over_the_limit_closes_the_websocket_with_1009(
    address: str, engine: Engine, sent: str | list[str]
) -> None:
    _, text = new_key(engine)
    with connect(address.replace("http", "ws") + SOCKET, additional_headers=bearer(text)) as socket:
        assert socket.response is not None
        assert "sec-websocket-extensions" not in socket.response.headers  # the client offered compression
        with suppress(ConnectionClosed):
            socket.send(sent)
        assert _closed(socket) == 1009


def test_a_client_that_reads_no_pongs_is_not_read_from(address: str, engine: Engine) -> None:
    _, text = new_key(engine)
    handshake = (
        f"GET {SOCKET} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-API-Key: {text}\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    pings = (b"\x89\xfd" + bytes(4) + b"x" * 125) * 500
    sent = 0
    with raw_socket.create_connection(("127.0.0.1", urlsplit(address).port or 0), timeout=0.5) as socket:
        socket.sendall(handshake.encode())
        assert socket.recv(12) == b"HTTP/1.1 101"
        with suppress(TimeoutError):
            while sent < 60_000_000:
                sent += socket.send(pings)
    assert sent < 60_000_000


def _closed(socket: ClientConnection) -> int | None:
    """Close code sent by the server, after any earlier messages."""
    with suppress(ConnectionClosed):
        while True:
            socket.recv(5)
    return socket.close_code


def _wait_for(happened: Callable[[], bool]) -> None:
    until = time.monotonic() + 5
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.05)


def _opened(address: str, key: str | None) -> int:
    """Status of the response to a WebSocket handshake; asserts that a rejection is a problem document."""
    try:
        with connect(address.replace("http", "ws"), additional_headers=bearer(key)):
            return 101
    except InvalidStatus as refused:
        response = refused.response
        assert response.headers["content-type"] == PROBLEM
        assert json.loads(response.body or b"")["request_id"] == response.headers["x-request-id"]
        return int(response.status_code)
