"""Live updates over real HTTP: a reconnecting client receives every change once, despite concurrent writers."""

import json
import random
import secrets
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import Engine, text
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from domain.keys import KeyWish
from domain.policy import Role
from domain.scores import Score
from domain.vocabulary import ScoreKind, SubjectKind
from serving.guard.authentication import INSTALLATION
from serving.resources import Resources
from serving.state.champions import Champions
from store.access.audit import read_rows
from store.access.keys import create_key
from store.facts.load import load
from store.scores.changes import changes_after, ends_of_changes
from store.scores.records import append_scores, save_scores
from tests.lib.api_parts import HEADERS, KEY, NOW, marketplace, problem, serving

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def _score(tutor: str, value: float, hours: float = 0, kind: ScoreKind = ScoreKind.HELP, about: str = "tutor") -> Score:
    return Score(
        subject_kind=SubjectKind(about), subject_id=tutor, kind=kind, value=value, low=0, high=1,
        model_version="1", as_of=NOON + timedelta(hours=hours),
    )  # fmt: skip


@pytest.fixture
def resources(engine: Engine) -> Resources:
    return Resources(engine, Champions(engine), KEY, lambda: NOW)


@pytest.fixture
def url(resources: Resources) -> Iterator[str]:
    load(resources.engine, marketplace())
    with serving(resources) as address:
        yield address
        resources.hub.close()  # ends the streams; otherwise the server would wait for them


def _ids(engine: Engine) -> list[int]:
    return [change.id for change in changes_after(engine, 0, 10_000)]


def test_a_change_is_the_first_score_another_band_or_a_move_of_five_points_and_nothing_else(engine: Engine) -> None:
    load(engine, marketplace())
    for hours, value in enumerate((0.3, 0.32, 0.36, 0.55, 0.54)):
        save_scores(engine, [_score("ada", value, hours)])
    save_scores(engine, [_score("ada", 0.9, -5), _score("next", 0.3, 0, ScoreKind.NO_SHOW, "session")])
    save_scores(engine, [_score("nobody", 0.3, 0, ScoreKind.NO_SHOW, "session")])
    found = [(c.tutor_id, c.subject_id, c.value, c.previous_value, c.band) for c in changes_after(engine, 0, 100)]
    assert found == [
        ("ada", "ada", 0.3, None, "watch"),
        ("ada", "ada", 0.36, 0.3, "watch"),
        ("ada", "ada", 0.55, 0.36, "act"),
        ("ada", "next", 0.3, None, "watch"),
    ]


def test_what_is_rolled_back_changed_nothing(engine: Engine) -> None:
    with engine.begin() as connection:
        append_scores(connection, [_score("ada", 0.3)])
        connection.rollback()
    assert ends_of_changes(engine) == (0, 0)


def test_polling_pages_from_the_last_id_seen_and_is_304_while_nothing_changed(url: str, engine: Engine) -> None:
    save_scores(engine, [_score("ada", 0.3), _score("ben", 0.9), _score("ada", 0.3, 0, ScoreKind.CHURN_30D)])
    begin = httpx.get(f"{url}/api/changes", headers=HEADERS).json()
    assert (begin["changes"], begin["last_id"], begin["reset"]) == ([], _ids(engine)[-1], False)
    first = httpx.get(f"{url}/api/changes?after=0&limit=2", headers=HEADERS)
    assert [c["subject_id"] for c in first.json()["changes"]] == ["ada", "ben"]
    rest = httpx.get(f"{url}/api/changes", params={"after": first.json()["last_id"]}, headers=HEADERS)
    assert [c["kind"] for c in rest.json()["changes"]] == ["churn_30d"]
    again = httpx.get(str(rest.url), headers=HEADERS | {"If-None-Match": rest.headers["etag"]})
    assert again.status_code == 304
    of_ben = httpx.get(f"{url}/api/tutors/ben/changes?after=0", headers=HEADERS).json()["changes"]
    assert [c["subject_id"] for c in of_ben] == ["ben"]
    assert httpx.get(f"{url}/api/changes?after=10000", headers=HEADERS).json()["reset"]


def test_a_page_of_changes_is_a_read_of_each_tutor_in_it(url: str, engine: Engine) -> None:
    save_scores(engine, [_score("ada", 0.3), _score("ben", 0.3)])
    httpx.get(f"{url}/api/changes?after=0", headers=HEADERS)
    assert {kept.row.subject_id for kept in read_rows(engine)} == {"ada", "ben"}


def test_who_reconnects_misses_nothing_and_sees_nothing_twice_while_two_write(url: str, engine: Engine) -> None:
    rounds, chance, seen, last = 25, random.Random(3), list[int](), "0"

    def write(tutor: str) -> None:
        for n in range(rounds):
            save_scores(engine, [_score(tutor, 0.1 + 0.8 * (n % 2), n), _score(tutor, n / 100, n, ScoreKind.CHURN_30D)])

    writers = [threading.Thread(target=write, args=(tutor,)) for tutor in ("ada", "ben")]
    for writer in writers:
        writer.start()
    for _ in range(200):
        leave_after, done = chance.randrange(1, 9), not any(writer.is_alive() for writer in writers)
        if done and len(seen) == len(_ids(engine)):
            break
        with httpx.stream(
            "GET", f"{url}/api/changes/stream", headers=HEADERS | {"Last-Event-ID": last}, timeout=10
        ) as stream:
            for line in stream.iter_lines():
                if line.startswith("id: "):
                    last = line.removeprefix("id: ")
                    seen.append(int(last))
                    leave_after -= 1
                if leave_after == 0 or len(seen) == len(_ids(engine)) != 0:
                    break
    for writer in writers:
        writer.join()
    assert len(seen) > rounds
    assert seen == _ids(engine)


def test_a_stream_says_when_what_was_seen_last_is_not_known_any_more(url: str, engine: Engine) -> None:
    save_scores(engine, [_score("ada", 0.3)])
    with httpx.stream("GET", f"{url}/api/changes/stream?after=77", headers=HEADERS) as stream:
        lines = stream.iter_lines()
        assert [next(lines) for _ in range(5)][2:] == [f"id: {_ids(engine)[0]}", "event: reset", 'data: {"last_id": 1}']
    problem(httpx.get(f"{url}/api/changes/stream", headers=HEADERS | {"Last-Event-ID": "x"}), 422, "invalid_request")


def test_a_websocket_brings_the_same_and_is_guarded(url: str, engine: Engine) -> None:
    save_scores(engine, [_score("ada", 0.3), _score("ben", 0.9)])
    address = url.replace("http", "ws") + "/api/tutors/ben/changes/ws?after=0"
    with connect(address, additional_headers=HEADERS) as socket:
        kept = json.loads(socket.recv(timeout=10))
        save_scores(engine, [_score("ada", 0.9, 1), _score("ben", 0.1, 1)])
        live = json.loads(socket.recv(timeout=10))
    assert (kept["event"], kept["data"]["band"]) == ("change", "act")
    assert (live["data"]["tutor_id"], live["data"]["previous_value"], live["id"]) == ("ben", 0.9, _ids(engine)[-1])
    with pytest.raises(InvalidStatus, match="401"):
        connect(address)


def test_a_tutor_hears_of_nobody_but_themself(url: str, engine: Engine) -> None:
    _, key = create_key(engine, KeyWish("Ada", Role.TUTOR, None, "ada", None), INSTALLATION, NOW, secrets.token_bytes)
    save_scores(engine, [_score("ada", 0.3), _score("ben", 0.9)])
    mine = {"X-API-Key": key}
    assert len(httpx.get(f"{url}/api/tutors/ada/changes?after=0", headers=mine).json()["changes"]) == 1
    for path in ("/api/tutors/ben/changes", "/api/changes", "/api/changes/stream"):
        problem(httpx.get(url + path, headers=mine), 403, "forbidden")


def test_more_changes_than_are_remembered_are_read_from_the_database(
    url: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.state.score_changes.PAGE", 7)
    with engine.begin() as connection:
        connection.execute(
            text("""
                INSERT INTO score_changes (tutor_id, subject_kind, subject_id, kind, value, band, model_version, as_of)
                SELECT 'ada', 'tutor', 'ada', 'help', 0.3, 'watch', '1', now() FROM generate_series(1, 50)
            """)
        )
    with httpx.stream("GET", f"{url}/api/changes/stream?after=3", headers=HEADERS) as stream:
        ids = (int(line.removeprefix("id: ")) for line in stream.iter_lines() if line.startswith("id: "))
        assert [next(ids) for _ in range(47)] == list(range(4, 51))
