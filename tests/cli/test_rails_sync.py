"""Sync of missed events from the Rails app: each arrives exactly once, however the app behaves."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.exceptions import Exit
from sqlalchemy import Engine

from cli.main import app as tqs
from domain.errors import InvalidSettings, RailsUnavailable
from gateways.rails.events import connected
from gateways.settings import load_settings
from simulator.rails import RailsApp, running
from store.facts.apply_events import apply
from store.inbox.accept import SYNC, Arrival, accept_each
from tests.lib.event_parts import booked, inbox
from tests.lib.inbox_parts import arrived, event

NOW = datetime.now(UTC)
SINCE = NOW - timedelta(days=1)
TOKEN = "a-token"
SECRET = "whsec_" + "B" * 32

Answer = tuple[int, dict[str, str], Any]


def _events(number: int) -> list[dict[str, Any]]:
    begin = NOW - timedelta(hours=5)
    return [
        booked(f"e{n:04}", f"s{n}") | {"timestamp": (begin + timedelta(seconds=n)).isoformat()} for n in range(number)
    ]


@contextmanager
def _answering(answers: Iterator[Answer], paths: list[str]) -> Iterator[str]:
    """Serve an app that returns these responses in turn; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            status, headers, document = next(answers)
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _pages(url: str, token: str = TOKEN) -> list[list[str]]:
    with connected(load_settings({"TQS_RAILS_URL": url, "TQS_RAILS_TOKEN": token})) as rails:
        return [[event["id"] for event in page.events] for page in rails.pages(SINCE)]


NOTHING: dict[str, Any] = {"events": [], "next_cursor": None}
LAST: dict[str, Any] = {"events": [{"id": "b"}], "next_cursor": None}
FIRST: dict[str, Any] = {"events": [{"id": "a"}], "next_cursor": "2 &="}


def test_what_may_pass_is_tried_again_and_no_page_is_lost_or_read_twice() -> None:
    again = [(503, {}, b"busy"), (429, {"Retry-After": "0"}, b""), (500, {"Retry-After": "0"}, b"")]
    paths: list[str] = []
    with _answering(iter([*again, (200, {}, FIRST), (502, {"Retry-After": "0"}, b""), (200, {}, LAST)]), paths) as url:
        assert _pages(url) == [["a"], ["b"]]
    assert len(paths) == 6
    assert len(set(paths[:4])) == len(set(paths[4:])) == 1
    assert "cursor=2+%26%3D" in paths[-1]


def test_it_waits_as_long_as_the_app_asks_for() -> None:
    moments: list[datetime] = []

    def answers() -> Iterator[Answer]:
        moments.append(datetime.now(UTC))
        yield 429, {"Retry-After": "1"}, b""
        moments.append(datetime.now(UTC))
        yield 200, {}, NOTHING

    with _answering(answers(), []) as url:
        assert _pages(url) == [[]]
    assert moments[1] - moments[0] >= timedelta(seconds=1)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((401, {}, b""), "TQS_RAILS_TOKEN"),
        ((404, {}, b""), "TQS_RAILS_URL"),
        ((302, {"Location": "http://127.0.0.1:1/elsewhere"}, b""), "302"),
        ((200, {}, b"<html>"), "is not a page of events"),
        ((200, {}, {"events": "many"}), "is not a page of events"),
        ((200, {}, {"events": [1]}), "is not a page of events"),
    ],
)
def test_what_will_not_pass_is_said_at_once(answer: Answer, message: str) -> None:
    paths: list[str] = []
    with _answering(iter([answer]), paths) as url, pytest.raises(RailsUnavailable, match=message):
        _pages(url)
    assert len(paths) == 1


def test_it_gives_up_after_five_tries_and_never_tells_the_token() -> None:
    paths: list[str] = []
    answers = iter([(503, {"Retry-After": "0"}, b"")] * 9)
    with _answering(answers, paths) as url, pytest.raises(RailsUnavailable, match="503") as gave_up:
        _pages(url)
    assert len(paths) == 5
    assert TOKEN not in str(gave_up.value)


def test_a_cursor_that_never_moves_on_ends() -> None:
    stuck = FIRST | {"next_cursor": "here"}
    with _answering(iter([(200, {}, stuck)] * 9), []) as url, pytest.raises(RailsUnavailable, match="cursor"):
        _pages(url)


def test_without_an_address_it_says_which_setting_is_missing() -> None:
    with pytest.raises(InvalidSettings, match="TQS_RAILS_URL"), connected(load_settings({})):
        pass


Sync = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def sync(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]
) -> Sync:
    """Exit code and output of `tqs rails sync` against the app at an address."""

    def run(url: str, *arguments: str) -> tuple[int, dict[str, Any]]:
        environ = {"DATABASE_URL": database_url, "TQS_DATA_DIR": str(tmp_path), "TQS_RAILS_TOKEN": TOKEN}
        for name, value in (environ | {"TQS_RAILS_URL": url, "MLFLOW_TRACKING_URI": "nowhere"}).items():
            monkeypatch.setenv(name, value)
        command = ["rails", "sync", "--since", SINCE.isoformat(), "--json", *arguments]
        try:
            code = tqs()(command, standalone_mode=False) or 0
        except Exit as ended:
            code = ended.exit_code
        return code, json.loads(capsys.readouterr().out)

    return run


def test_everything_of_the_day_arrives_once_and_what_was_here_stays(engine: Engine, sync: Sync) -> None:
    events = _events(1203)
    here = [Arrival(event["id"], event["type"], event) for event in events[:200]]
    accept_each(engine, here, "webhook", NOW)
    with running(RailsApp(events, TOKEN, [SECRET])) as url:
        assert sync(url) == (0, {"new": 1003, "same": 200, "conflicts": [], "cursor": None})
        assert sync(url) == (0, {"same": 1203, "conflicts": [], "cursor": None})
    rows = inbox(engine)
    assert [row.key for row in rows] == [f"event:{event['id']}" for event in events]
    assert {row.source for row in rows[200:]} == {SYNC}
    assert rows[700].body == events[700]


def test_what_cannot_be_read_is_kept_parked_once_and_conflicts_are_named(engine: Engine, sync: Sync) -> None:
    good, other, broken, nameless, ahead = _events(5)
    accept_each(engine, [Arrival(other["id"], other["type"], other | {"data": {}})], "webhook", NOW)
    broken["data"]["starts_at"] = "someday\0"
    del nameless["id"]
    ahead["timestamp"] = (NOW + timedelta(days=400)).isoformat()
    with running(RailsApp([good, other, broken, nameless, ahead], TOKEN, [SECRET])) as url:
        code, summary = sync(url)
        assert (code, summary) == (3, {"new": 1, "conflict": 1, "invalid": 3, "conflicts": ["e0001"], "cursor": None})
        assert sync(url)[1] == {"same": 1, "conflict": 1, "invalid": 3, "conflicts": ["e0001"], "cursor": None}
    parked = [row for row in inbox(engine) if row.parked_at is not None]
    assert len(parked) == 3
    assert all(row.error for row in parked)
    assert "starts_at" in parked[0].error
    assert "someday" not in parked[0].error
    assert parked[1].body == nameless


def test_a_sync_that_broke_off_says_where_to_go_on(engine: Engine, sync: Sync, capsys: Any) -> None:
    first, second = _events(2)
    paths: list[str] = []
    page = {"events": [first], "next_cursor": "two"}
    gone = [(403, {}, b"")]
    with _answering(iter([(200, {}, page), *gone, (200, {}, {"events": [second]})]), paths) as url:
        with pytest.raises(RailsUnavailable):
            sync(url)
        assert json.loads(capsys.readouterr().out)["cursor"] == "two"
        assert len(inbox(engine)) == 1
        assert sync(url, "--cursor", "two")[1]["new"] == 1
    assert "cursor=two" in paths[-1]
    assert len(inbox(engine)) == 2


def test_what_the_database_cannot_hold_is_kept_parked_all_the_same(engine: Engine, sync: Sync) -> None:
    endless, strange = _events(2)
    endless["data"]["attributes"] = {"price": float("inf")}
    strange["a name\0that is\nlong" * 99] = 1
    with _answering(iter([(200, {}, {"events": [endless, strange]})]), []) as url:
        assert sync(url)[1]["invalid"] == 2
    first, second = inbox(engine)
    assert first.body["data"]["attributes"] == {"price": "Infinity"}
    assert "a name\ufffdthat is\ufffdlong" in second.error
    assert len(second.error) < 200


def test_an_unreadable_event_of_an_erased_tutor_is_kept_without_its_content(engine: Engine, sync: Sync) -> None:
    apply(engine, arrived([event("tutor.deleted", "d", NOW - timedelta(hours=1))]))
    named = event("tutor.updated", "u", NOW - timedelta(hours=2), full_name="Ada") | {"nick": "Ada"}
    with _answering(iter([(200, {}, {"events": [named]})]), []) as url:
        assert sync(url)[1]["invalid"] == 1
    assert "Ada" not in json.dumps(inbox(engine)[0].body)


def test_cursors_that_go_round_end() -> None:
    pages = [(200, {}, {"events": [], "next_cursor": cursor}) for cursor in "aba"]
    with _answering(iter(pages), []) as url, pytest.raises(RailsUnavailable, match="cursor a twice"):
        _pages(url)


def test_a_wait_in_no_digits_of_ours_is_none() -> None:
    with _answering(iter([(503, {"Retry-After": "\u00b2"}, b""), (200, {}, LAST)]), []) as url:
        assert _pages(url) == [["b"]]


def test_an_app_that_is_away_is_told_in_plain_words_and_nothing_is_counted(
    engine: Engine, sync: Sync, capsys: pytest.CaptureFixture[str]
) -> None:
    away = [(503, {"Retry-After": "0"}, b"")] * 5
    with _answering(iter(away), []) as url, pytest.raises(RailsUnavailable, match="503"):
        sync(url)
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines() == ["the Rails app returns 503; retry in 0.0 s"] * 4
