"""Connection limits, tested with raw sockets against the real server's protocols."""

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from urllib.parse import urlsplit

import pytest

from serving.http.connections import BoundedHttp, OncePerMinute
from store.db.engine import Engine
from tests.lib.access_parts import resources_of
from tests.lib.api_parts import serving

HEALTH = b"GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def port(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Port of a server that waits 0.3 s for headers and accepts at most four connections."""
    monkeypatch.setattr(BoundedHttp, "header_seconds", 0.3)
    monkeypatch.setattr(BoundedHttp, "max_connections", 4)
    with serving(resources_of(engine)) as address:
        yield urlsplit(address).port or 0


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def _ended(connection: socket.socket) -> bool:
    """True if the server closes the connection without sending another byte."""
    try:
        return connection.recv(1000) == b""
    except ConnectionResetError:
        return True


def _drip(connection: socket.socket, piece: bytes) -> float:
    """Send a piece every 50 ms until the server closes the connection. Returns the seconds elapsed."""
    began = time.monotonic()
    while time.monotonic() - began < 5:
        try:
            connection.sendall(piece)
        except OSError:
            break
        time.sleep(0.05)
    return time.monotonic() - began


def test_a_connection_whose_headers_never_end_is_closed_in_time(port: int) -> None:
    with closing(_connect(port)) as silent, closing(_connect(port)) as slow:
        slow.sendall(HEALTH[:-2])
        assert _drip(slow, b"x: y\r\n") < 2
        assert _ended(silent)


@pytest.mark.parametrize("piece", [b"\r\n", b"GET /api/health HTTP/1.1\r\nx: "])
def test_a_connection_in_use_is_closed_when_the_next_headers_do_not_come(port: int, piece: bytes) -> None:
    with closing(_connect(port)) as connection:
        connection.sendall(HEALTH)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        assert _drip(connection, piece) < 2


def test_headers_over_the_limit_are_refused(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedHttp, "header_seconds", 60)
    with closing(_connect(port)) as connection:
        connection.sendall(HEALTH[:-2])
        with suppress(OSError):  # the server may close while the rest is being sent
            for _ in range(30):
                connection.sendall(b"x: " + b"y" * 4000 + b"\r\n")
        answer = b""
        with suppress(OSError):
            while piece := connection.recv(1000):
                answer += piece
        assert answer.startswith(b"HTTP/1.1 431") or (not answer and _ended(connection))


def test_the_rest_of_a_body_that_was_answered_early_is_not_taken_for_headers(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedHttp, "header_seconds", 60)
    with closing(_connect(port)) as connection:
        connection.sendall(b"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n" + b"a" * 10)
        assert connection.recv(1000).startswith(b"HTTP/1.1 401")
        connection.sendall(b"a" * 299_990 + HEALTH)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")


def test_the_rest_of_a_body_that_was_answered_early_has_to_come_in_time(port: int) -> None:
    with closing(_connect(port)) as connection:
        connection.sendall(b"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 401")
        assert _drip(connection, b"a") < 2


def test_a_connection_over_the_limit_is_refused_and_one_that_ends_makes_room(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedHttp, "header_seconds", 60)  # late headers must not cause the closing
    held = [_connect(port) for _ in range(4)]
    with closing(_connect(port)) as refused:
        assert _ended(refused)
    for connection in held:
        connection.close()
    time.sleep(0.1)
    with closing(_connect(port)) as connection:
        connection.sendall(HEALTH)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")


def test_a_warning_anybody_can_cause_is_one_line_a_minute() -> None:
    kept = OncePerMinute()
    at = [
        logging.makeLogRecord({"msg": "Invalid HTTP request", "levelno": logging.WARNING, "created": second})
        for second in (1000.0, 1001.0, 1059.0, 1061.0)
    ]
    assert [kept.filter(record) for record in at] == [True, False, False, True]
    assert kept.filter(logging.makeLogRecord({"msg": "Invalid HTTP request", "levelno": logging.ERROR}))
