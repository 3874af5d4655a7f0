"""The simulated day of a Rails app: sent events, delivery faults and responses."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter
from standardwebhooks import Webhook

from domain.events.events import Event, SessionRescheduled, status_of
from features.base.dataset import Dataset
from features.base.known import known_at
from simulator.day import events_since
from simulator.marketplace import MarketSettings, simulate
from simulator.post import post
from simulator.rails import EVENTS_PATH, WEBHOOKS_PATH, RailsApp, running
from simulator.sending import Faults, Letter, plan

NOW = datetime(2026, 3, 30, 7, tzinfo=UTC)
MORNING = NOW - timedelta(days=1)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EVENTS: TypeAdapter[Any] = TypeAdapter(Event)


@pytest.fixture(scope="module")
def market() -> Dataset:
    return simulate(MarketSettings(tutors=60, days=14, sessions_per_day=250, end=NOW)).dataset


def _rows(dataset: Dataset, kind: str) -> dict[str, dict[str, Any]]:
    rows = dataset.tables[kind].to_pylist()
    return {row[next(iter(row))]: row for row in rows}


def test_what_was_known_and_the_events_since_make_what_is_known(market: Dataset) -> None:
    sessions = _rows(known_at(market, MORNING), "sessions")
    moves, messages = (set(_rows(known_at(market, MORNING), kind)) for kind in ("reschedules", "messages"))
    for event in map(EVENTS.validate_python, json.loads(json.dumps(events_since(market, MORNING)))):
        assert MORNING <= event.timestamp < NOW
        if event.type.startswith("session."):
            row = sessions.setdefault(event.data.session_id, {})
            row |= {"status": status_of(event).value, "starts_at": event.data.starts_at, "ends_at": event.data.ends_at}
            row |= {
                "rating": getattr(event.data, "rating", None),
                "initiated_by": getattr(event.data, "initiated_by", None),
            }
        if isinstance(event, SessionRescheduled):
            moves.add(event.data.reschedule_id or event.id)
        if event.type == "message.sent":
            messages.add(event.data.message_id)
    names = ("status", "starts_at", "ends_at", "rating", "initiated_by")
    received = {key: tuple(row[name] for name in names) for key, row in sessions.items()}
    assert received == {key: tuple(row[name] for name in names) for key, row in _rows(market, "sessions").items()}
    assert (moves, messages) == (set(_rows(market, "reschedules")), set(_rows(market, "messages")))


def test_before_the_day_nothing_of_the_day_is_known(market: Dataset) -> None:
    before = known_at(market, MORNING)
    for row in before.tables["sessions"].to_pylist():
        assert max(row["booked_at"], row["scheduled_at"]) < MORNING
        assert (row["outcome_known_at"] or MORNING - timedelta(1)) < MORNING
        assert (row["status"] == "booked") == (row["outcome_known_at"] is None)
    assert known_at(market, NOW).tables["sessions"].equals(market.tables["sessions"])


def test_a_prefix_keeps_a_played_day_apart_but_for_the_tutors(market: Dataset) -> None:
    plain, apart = events_since(market, MORNING), events_since(market, MORNING, "x-")
    assert [event["id"] for event in apart] == ["x-" + event["id"] for event in plain]
    booked, other = (next(e["data"] for e in events if e["type"] == "session.booked") for events in (plain, apart))
    assert (other["session_id"], other["tutor_id"]) == ("x-" + booked["session_id"], booked["tutor_id"])


def _numbered(n: int) -> list[dict[str, Any]]:
    return [{"id": f"e{number}"} for number in range(n)]


def test_without_faults_every_event_is_sent_once_and_in_order() -> None:
    found = plan(_numbered(100), Faults(), seed=1)
    assert ([letter.id for letter in found.letters], found.dropped) == ([f"e{n}" for n in range(100)], frozenset())


def test_faults_happen_as_often_as_asked_for_and_nothing_else_is_lost() -> None:
    faults = Faults(drop=0.1, duplicate=0.2, reorder=0.3, delay=0.05, slow=0.1, hang_up=0.1)
    found = plan(_numbered(4000), faults, seed=1)
    times = Counter(letter.id for letter in found.letters)
    assert set(times) | found.dropped == {f"e{n}" for n in range(4000)}
    assert not set(times) & found.dropped
    assert 300 < len(found.dropped) < 500
    assert 600 < sum(count == 2 for count in times.values()) < 840
    assert 300 < sum(letter.slow for letter in found.letters) < 580
    assert 300 < sum(letter.hang_up for letter in found.letters) < 580
    order = [int(letter.id[1:]) for letter in found.letters]
    assert sum(one > other for one, other in pairwise(order)) > 800
    assert found == plan(_numbered(4000), faults, seed=1)


def test_a_batch_holds_an_event_once() -> None:
    found = plan(_numbered(50), Faults(duplicate=1.0), seed=1, batch=100)
    (letter,) = found.letters
    assert (letter.path, len(json.loads(letter.body)["events"])) == ("/api/sessions/batch", 50)


class _Door(BaseHTTPRequestHandler):
    """Handler that answers the first attempt of every letter with 503 and accepts the second."""

    protocol_version = "HTTP/1.1"
    seen: Counter[str]
    bodies: list[bytes]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Webhook(SECRET).verify(body, dict(self.headers), json_parse=False)
        self.seen[self.headers["webhook-id"]] += 1
        self.bodies.append(body)
        self.send_response(503 if self.seen[self.headers["webhook-id"]] == 1 else 202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def _door() -> Iterator[tuple[str, type[_Door]]]:
    door = type("Door", (_Door,), {"seen": Counter(), "bodies": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), door)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", door
    server.shutdown()
    thread.join()
    server.server_close()


def test_letters_are_signed_and_sent_until_they_are_taken() -> None:
    letters = [Letter(f"e{n}", "/api/sessions", b'{"n": %d}' % n) for n in range(8)]
    with _door() as (url, door):
        posted = post(url, SECRET, letters, per_second=1000, senders=4)
    assert posted.answers == {"503": 8, "202": 8}
    assert (posted.server_errors, posted.given_up, len(posted.seconds)) == (8, [], 8)
    assert set(door.seen.values()) == {2}


def test_slow_letters_and_those_cut_short_arrive_whole() -> None:
    letters = [
        Letter("s", "/api/sessions", b'"slow, slow"', slow=True),
        Letter("h", "/api/sessions", b"{}", hang_up=True),
    ]
    with _door() as (url, door):
        posted = post(url, SECRET, letters, per_second=1000)
    assert (posted.given_up, posted.answers["cut by us"], posted.answers["202"]) == ([], 1, 2)
    assert set(door.bodies) == {b'"slow, slow"', b"{}"}


def test_letters_are_sent_at_the_rate_asked_for() -> None:
    letters = [Letter(f"e{n}", "/api/sessions", b"{}") for n in range(10)]
    began = time.monotonic()
    with _door() as (url, _):
        post(url, SECRET, letters, per_second=20)
    assert time.monotonic() - began >= 0.45


def test_the_app_gives_its_events_page_by_page_to_who_has_the_token() -> None:
    events = [{"id": f"e{n}", "timestamp": (MORNING + timedelta(minutes=n)).isoformat()} for n in range(10)]
    parameters = {"since": (MORNING + timedelta(minutes=3)).isoformat(), "limit": "5"}
    with running(RailsApp(events, "token", [SECRET])) as url, httpx.Client(base_url=url) as rails:
        assert rails.get(EVENTS_PATH, params=parameters).status_code == 401
        rails.headers["Authorization"] = "Bearer token"
        first = rails.get(EVENTS_PATH, params=parameters).json()
        second = rails.get(EVENTS_PATH, params=parameters | {"cursor": first["next_cursor"]}).json()
        until = {"until": (MORNING + timedelta(minutes=5)).isoformat()}
        assert len(rails.get(EVENTS_PATH, params=parameters | until).json()["events"]) == 2
        assert rails.get(EVENTS_PATH, params={"since": "yesterday"}).status_code == 422
    assert [e["id"] for e in first["events"] + second["events"]] == [f"e{n}" for n in range(3, 10)]
    assert second["next_cursor"] is None


def _signed(secret: str, body: str) -> dict[str, str]:
    now = datetime.now(UTC)
    signature = Webhook(secret).sign("evt_1", now, body)
    return {"webhook-id": "evt_1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}


def test_the_app_takes_signed_webhooks_and_knows_what_came_twice() -> None:
    app = RailsApp([], "token", [SECRET])
    with running(app) as url:
        for _ in range(2):
            assert httpx.post(url + WEBHOOKS_PATH, content='{"a": 1}', headers=_signed(SECRET, '{"a": 1}')).is_success
        forged = _signed("whsec_" + "A" * 32, "{}")
        assert httpx.post(url + WEBHOOKS_PATH, content="{}", headers=forged).status_code == 401
        app.fail = 1.0
        assert httpx.post(url + WEBHOOKS_PATH, content="{}", headers=_signed(SECRET, "{}")).status_code == 503
    assert (app.deliveries, app.bodies, app.refused, app.failed) == ({"evt_1": 2}, {"evt_1": {"a": 1}}, 1, 1)
