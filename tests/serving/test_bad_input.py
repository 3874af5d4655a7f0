"""Invalid input: answered by a problem document, stored nowhere and logged nowhere."""

import gzip
import json
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DataError

from gateways.embedded_postgres.databases import create_database
from gateways.rails.signatures import Signatures
from serving.guard.memory_counts import MemoryCounts
from serving.guard.rate_limits import Limits
from serving.http.cursors import make_cursor
from serving.resources import Resources
from serving.routes.tutors import Sort, TutorQuery
from serving.routes.upcoming import UpcomingQuery
from serving.state.champions import Champions
from store.db.engine import make_engine, upgrade
from store.facts.load import load
from tests.lib.api_parts import HEADERS, KEY, NOW, PROBLEM, marketplace, register, serving, small_model
from tests.lib.event_parts import SECRET, completed, inbox, rails

MARKER = "Zebulon-Quixote"
"""Marker for personal data, which no response or log line to invalid input may repeat."""

MEGABYTE = 1_000_000
BODY_LIMIT = 1_500_000
DEEP = 10_000
JSON = {"Content-Type": "application/json"}
TIMESTAMP = NOW.isoformat()


@pytest.fixture(scope="module")
def stored(server_url: str) -> Iterator[Engine]:
    """A small marketplace with a model, shared by all tests; no test may change it."""
    engine = make_engine(create_database(server_url, "bad_input"))
    upgrade(engine)
    load(engine, marketplace())
    register(engine, small_model())
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def address(stored: Engine) -> Iterator[str]:
    limits = Limits("900000/minute", MemoryCounts(), wrong_keys="900000/minute")
    signatures = Signatures((SECRET,))
    with serving(Resources(stored, Champions(stored), KEY, lambda: NOW, limits, signatures=signatures)) as found:
        yield found


@pytest.fixture
def http(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, headers=HEADERS, timeout=30) as client:
        yield client


@pytest.fixture
def nothing_kept_or_said(
    stored: Engine, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> Iterator[None]:
    """Check after the test that no table but the audit has grown or shrunk, and that the marker was not printed."""
    caplog.set_level(logging.INFO)
    before = rows_of(stored)
    yield
    assert rows_of(stored) == before
    output = "".join(capfd.readouterr()) + caplog.text
    assert MARKER not in output
    assert "Traceback" not in output


def rows_of(engine: Engine) -> dict[str, int]:
    """Number of rows by table, without the audit."""
    with engine.begin() as connection:
        names = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars()
        counted = [name for name in names if name != "audit"]
        return {name: connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one() for name in counted}


def refused(answer: httpx.Response, *statuses: int) -> None:
    """Check for a problem document with one of these statuses that does not repeat the marker."""
    assert answer.status_code in statuses, (answer.status_code, answer.text[:300])
    assert answer.headers["content-type"] == PROBLEM
    assert answer.json()["status"] == answer.status_code
    assert MARKER not in answer.text
    assert MARKER not in str(answer.headers)


def signed(body: bytes, skew: timedelta = timedelta(0)) -> dict[str, str]:
    """Headers of a signed webhook with these bytes."""
    return JSON | Signatures((SECRET,)).sign("evt-1", body.decode(errors="replace"), NOW + skew)


def event(**data: Any) -> dict[str, Any]:
    """Event of a completed session of the marked tutor, with some data replaced."""
    return completed(**({"tutor_id": MARKER} | data)) | {"timestamp": TIMESTAMP}


def as_json(value: Any) -> bytes:
    """JSON of a value; NaN is allowed."""
    return json.dumps(value).encode()


def replaced(old: str, new: str, **data: Any) -> bytes:
    """JSON of the event, with one piece replaced by text that `json` would not write."""
    written = json.dumps(event(**data))
    assert old in written
    return written.replace(old, new).encode()


BODIES: dict[str, tuple[Callable[[], bytes], tuple[int, ...]]] = {
    "10 MB": (lambda: b'{"a": "' + MARKER.encode() + b"x" * 10 * MEGABYTE + b'"}', (413,)),
    "one byte too many": (lambda: b'"' + b"x" * (BODY_LIMIT - 1) + b'"', (413,)),
    "invalid UTF-8": (lambda: as_json(event()).replace(b"Zebulon", b"Zebulon\xff\xfe"), (400, 422)),
    "UTF-16": (lambda: json.dumps(event()).encode("utf-16"), (400, 422)),
    "not JSON": (lambda: f"{MARKER}: hello".encode(), (400, 422)),
    "cut off": (lambda: as_json(event())[:-5], (400, 422)),
    "two documents": (lambda: as_json(event()) * 2, (400, 422)),
    "nothing": (lambda: b"", (400, 415, 422)),
    "NaN": (lambda: replaced('"rating": 4', '"rating": NaN'), (400, 422)),
    "infinity": (lambda: replaced('"rating": 4', '"rating": Infinity'), (400, 422)),
    "a number beyond all": (lambda: replaced('"rating": 4', '"rating": 1e999'), (400, 422)),
    "10,000 digits": (lambda: replaced('"rating": 4', '"rating": ' + "9" * 10_000), (400, 422)),
    "10,000 arrays in one another": (lambda: b"[" * DEEP + b"]" * DEEP, (400, 422)),
    "10,000 objects in one another": (lambda: b'{"data":' * DEEP + b"1" + b"}" * DEEP, (400, 422)),
    "NUL in an id": (lambda: as_json(event(session_id=f"{MARKER}\0")), (422,)),
    "NUL in an attribute's name": (lambda: as_json(event(attributes={"level\0": MARKER})), (422,)),
    "a lone surrogate": (lambda: replaced('"session-81023"', '"\\ud800"'), (400, 422)),
    "year 9999": (lambda: as_json(event(starts_at="9999-12-31T23:59:59Z")), (422,)),
    "year 9999 west of here": (lambda: as_json(event(starts_at="9999-12-31T23:59:59-14:00")), (422,)),
    "a moment without offset": (lambda: as_json(event(starts_at="2026-03-01T10:00:00")), (422,)),
    "unknown version": (lambda: as_json(event() | {"version": "1999-01-01"}), (422,)),
    "unknown type": (lambda: as_json(event() | {"type": MARKER}), (422,)),
    "unknown field": (lambda: as_json(event() | {"more": MARKER}), (422,)),
    "a million ids": (lambda: as_json([1] * 300_000), (422,)),
}


PATHS = (
    "/api/sessions",
    "/api/sessions/batch",
    "/api/sessions/reconcile",
    "/api/predict/no_show",
    "/api/predict/churn",
    "/api/quality/sessions",
    "/api/admin/keys",
)


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.usefixtures("nothing_kept_or_said")
def test_a_body_nobody_should_send_is_a_problem(http: httpx.Client, name: str, path: str) -> None:
    make, statuses = BODIES[name]
    body = make()
    answer = http.post(path, content=body, headers=signed(body))
    refused(answer, *statuses, *(() if path == "/api/sessions" else (400, 401, 422)))


@pytest.mark.parametrize("minutes", [-6, 6, 60 * 24 * 365])
@pytest.mark.usefixtures("nothing_kept_or_said")
def test_a_clock_more_than_five_minutes_off_is_refused(http: httpx.Client, minutes: int) -> None:
    body = as_json(event())
    refused(http.post("/api/sessions", content=body, headers=signed(body, timedelta(minutes=minutes))), 401)


def test_of_a_name_given_twice_the_last_counts_for_everybody(engine: Engine) -> None:
    """JSON does not define it: validation, storage and processing must use the same value."""
    with rails(engine) as sender:
        sent = json.dumps(completed()).replace('"rating": 4', '"rating": 1, "rating": 4').encode()
        assert sender.send(sent).status_code == 202
        assert sender.send_event(completed()).status_code == 202  # the same event, no conflict
        spoilt = sent.replace(b'"rating": 4', b'"rating": 9')
        refused(sender.send(spoilt, "evt-2"), 422)
    (row,) = inbox(engine)
    assert row.body["data"]["rating"] == 4


@pytest.mark.parametrize(
    "kind",
    [
        "application/vnd.bentoml+pickle",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        "application/xml",
        "application/json, application/vnd.bentoml+pickle",
        "application/vnd.bentoml+pickle; application/json",
        "",
    ],
)
@pytest.mark.parametrize("path", ["/api/sessions", "/api/predict/no_show", "/api/sessions/reconcile"])
@pytest.mark.usefixtures("nothing_kept_or_said")
def test_what_says_that_it_is_no_json_is_refused_unread(http: httpx.Client, kind: str, path: str) -> None:
    body = as_json(event())
    refused(http.post(path, content=body, headers=signed(body) | {"Content-Type": kind}), 415)


@pytest.mark.parametrize("path", ["/api/sessions", "/api/predict/no_show"])
@pytest.mark.usefixtures("nothing_kept_or_said")
def test_a_gzip_bomb_is_never_unpacked(http: httpx.Client, path: str) -> None:
    bomb = gzip.compress(b'{"a": "' + b"0" * 100 * MEGABYTE + b'"}')
    assert len(bomb) < MEGABYTE
    headers = signed(bomb) | {"Content-Encoding": "gzip"}
    refused(http.post(path, content=bomb, headers=headers), 400, 401, 415, 422)


@pytest.mark.parametrize(
    "path",
    [
        "/api/tutors/" + ",".join(f"{MARKER}-{n}" for n in range(1000)) + "/scores",
        "/api/tutors/" + "/".join(f"t{n}" for n in range(1000)) + "/scores",
        f"/api/tutors/{MARKER}%00/scores",
        f"/api/tutors/{MARKER}%0a/scores",
        "/api/tutors/%ff%fe/scores",
        "/api/tutors/%2e%2e%2f%2e%2e%2fetc%2fpasswd/scores",
        "/api/tutors/..%2f..%2fadmin%2fkeys",
        "/api/../../etc/passwd",
        "/api//tutors",
        "/api/tutors/ada/scores/",
        "/api/tutors?" + "&".join(f"a{n}={MARKER}" for n in range(2000)),
        "/api/tutors?limit=" + "9" * 5000,
        "/api/tutors?limit=NaN",
        f"/api/tutors?cursor={MARKER}",
        "/api/tutors?cursor=%00",
        "/api/tutors?min_value=nan",
        "/api/sessions/upcoming?risk=inf",
        f"/api/sessions/upcoming?tutor_id={MARKER}%00",
        "/api/changes?after=" + "9" * 40,
        "/api/changes?after=-1",
        "/api/admin/webhooks/99999999999999999999",
        "/api/admin/inbox?after=99999999999999999999",
        "/api/admin/audit?before=9999-12-31T23:59:59-14:00",
        f"/api/quality/sessions/{MARKER}%00",
    ],
    ids=lambda path: path[:50],
)
@pytest.mark.usefixtures("nothing_kept_or_said")
def test_a_path_nobody_should_ask_for_is_a_problem_or_says_nothing_new(address: str, path: str) -> None:
    """Sent verbatim, because a client would normalize the path. Unused query parameters may be ignored."""
    status, headers, body = raw_response(address, f"GET {path} HTTP/1.1".encode())
    assert status < 500
    assert status in (200, 304) or PROBLEM.encode() in headers or status == 400
    if status == 200:
        assert "?" in path
        assert MARKER.encode() not in body


@pytest.mark.parametrize(
    "lines",
    [
        [b"X-Request-ID: " + MARKER.encode() + b"\t{}"],
        [b"X-Request-ID: " + b"a" * 5000],
        [b"X-API-Key: \xff\xfe" + MARKER.encode()],
        [b"Authorization: Bearer " + b"a" * 20_000],
        [b"Authorization: Bearer one", b"Authorization: Bearer " + KEY.encode()],
        [b"If-None-Match: " + b'"a",' * 2000],
        [b"X-HTTP-Method-Override: DELETE"],
        [b"Content-Length: -1"],
        [b"Content-Length: 5", b"Transfer-Encoding: chunked"],
        [b"Forwarded: for=127.0.0.1", b"X-Forwarded-For: 127.0.0.1"],
        [b"Last-Event-ID: \x80" + MARKER.encode()],
        [b"API-Version: 9999-99-99"],
    ],
    ids=lambda lines: lines[0][:30].decode("latin-1"),
)
@pytest.mark.usefixtures("nothing_kept_or_said")
def test_headers_that_play_tricks_open_nothing(address: str, lines: list[bytes]) -> None:
    status, _, body = raw_response(address, b"GET /api/admin/keys HTTP/1.1", *lines, key=None)
    assert 400 <= status < 500
    assert MARKER.encode() not in body


def raw_response(address: str, line: bytes, *headers: bytes, key: str | None = KEY) -> tuple[int, bytes, bytes]:
    """Send a request as raw bytes. Returns status, headers and body of the response."""
    parts = urlsplit(address)
    own = [b"Host: tests", b"Connection: close", *([b"X-API-Key: " + key.encode()] if key else [])]
    with closing(socket.create_connection((cast(str, parts.hostname), cast(int, parts.port)), timeout=20)) as line_out:
        line_out.sendall(b"\r\n".join([line, *own, *headers, b"", b""]))
        answer = b""
        while piece := line_out.recv(65536):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), head, body


@pytest.mark.usefixtures("nothing_kept_or_said")
def test_a_body_that_never_ends_is_cut_off(http: httpx.Client) -> None:
    """A chunked body announces no length; 10 MB are not read to the end."""
    sent = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 10_000
            yield b" " * 10_000

    try:
        answer = http.post("/api/predict/no_show", content=pieces(), headers=JSON)
    except httpx.WriteError:  # the server responded and closed while the body was being sent
        return
    refused(answer, 413)


def test_a_statement_that_fails_does_not_say_what_was_in_it(stored: Engine) -> None:
    with stored.connect() as connection, pytest.raises(DataError) as raised:
        connection.execute(text("SELECT 1 / CAST(:zero AS int), CAST(:who AS text)"), {"zero": 0, "who": MARKER})
    assert MARKER not in str(raised.value)


@pytest.mark.parametrize(("sort", "value"), [("-help", MARKER), ("name", 0.5), ("name", None)])
def test_a_cursor_somebody_made_up_is_no_cursor(http: httpx.Client, sort: Sort, value: object) -> None:
    cursor = make_cursor(TutorQuery(sort=sort).question, {"up_to": 5, "value": value, "tutor_id": "ada"})
    answer = http.get("/api/tutors", params={"sort": sort, "cursor": cursor})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cursor")


@pytest.mark.parametrize("now", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+12:00"])
def test_a_cursor_of_another_age_is_no_cursor(http: httpx.Client, now: str) -> None:
    held = {"now": now, "risk": 0.5, "starts_at": TIMESTAMP, "session_id": "next"}
    answer = http.get("/api/sessions/upcoming", params={"cursor": make_cursor(UpcomingQuery().question, held)})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cursor")


def test_a_session_at_the_end_of_all_time_is_not_predicted(http: httpx.Client) -> None:
    asked_for = {"tutor_id": "ada", "starts_at": "9999-12-31T23:59:59-12:00"}
    answer = http.post("/api/predict/no_show", json=asked_for)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "starts_at")
