"""Submitted transcripts: stored once, answered by id, with a statement that none is scored yet."""

from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import text

from serving.resources import Resources
from serving.state.champions import Champions
from store.db.engine import Engine
from tests.lib.api_parts import HEADERS, KEY, NOW, problem, serving

BODY = {"id": "q1", "session_id": "past-1", "transcript": "tutor: Hello.\nstudent: Hi."}


@pytest.fixture
def api(engine: Engine) -> Iterator[httpx.Client]:
    resources = Resources(engine, Champions(engine), KEY, lambda: NOW)
    with serving(resources) as address, httpx.Client(base_url=address, headers=HEADERS, timeout=20) as client:
        yield client


def test_a_transcript_is_kept_with_its_event_and_answered_by_its_id(api: httpx.Client, engine: Engine) -> None:
    taken = api.post("/api/quality/sessions", json=BODY)
    assert taken.status_code == 202
    assert (taken.json()["id"], taken.json()["status"], taken.json()["result"]) == ("q1", "accepted", None)
    assert "no transcript scorer is installed yet" in taken.json()["message"]
    assert api.get("/api/quality/sessions/q1").json() == taken.json()
    with engine.connect() as connection:
        (row,) = connection.execute(text("SELECT key, type, source, body FROM inbox")).all()
        (asked,) = connection.execute(text("SELECT session_id, requested_by FROM quality_requests")).all()
    assert (row.key, row.type, row.source) == ("event:q1", "transcript.ready", "quality")
    assert row.body["data"] == {"session_id": "past-1", "text": BODY["transcript"]}
    assert tuple(asked) == ("past-1", "installation")


def test_the_same_again_counts_once_and_another_body_under_the_id_changes_nothing(
    api: httpx.Client, engine: Engine
) -> None:
    first = api.post("/api/quality/sessions", json=BODY).json()
    again = api.post("/api/quality/sessions", json=BODY)
    assert (again.status_code, again.json()) == (202, first)
    for other in ({"transcript": "tutor: Bye."}, {"session_id": "past-2"}):
        problem(api.post("/api/quality/sessions", json=BODY | other), 409, "event_conflict")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM inbox")).scalar() == 1
        assert connection.execute(text("SELECT session_id FROM quality_requests")).scalars().all() == ["past-1"]


def test_an_id_that_an_event_has_taken_stores_no_request(api: httpx.Client, engine: Engine) -> None:
    with engine.begin() as connection:
        row = "('webhook', 'event:q1', '{}', now(), 'other')"
        connection.execute(text(f"INSERT INTO inbox (source, key, body, received_at, body_sha256) VALUES {row}"))
    problem(api.post("/api/quality/sessions", json=BODY), 409, "event_conflict")
    problem(api.get("/api/quality/sessions/q1"), 404, "unknown_subject")


def test_an_id_is_made_where_none_is_sent_and_bad_fields_are_named(api: httpx.Client, engine: Engine) -> None:
    nameless = {name: value for name, value in BODY.items() if name != "id"}
    ids = {api.post("/api/quality/sessions", json=nameless).json()["id"] for _ in range(2)}
    assert len(ids) == 2
    for field, value in (("transcript", ""), ("transcript", "a\x00b"), ("session_id", "a\nb"), ("id", "")):
        refused = problem(api.post("/api/quality/sessions", json=BODY | {field: value}), 422, "invalid_request")
        assert [error["field"] for error in refused["errors"]] == [field]
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM quality_requests")).scalar() == 2


def test_half_of_a_character_is_refused(api: httpx.Client) -> None:
    content = r'{"session_id": "past-1", "transcript": "tutor: \ud800"}'
    answer = api.post("/api/quality/sessions", content=content, headers={"content-type": "application/json"})
    assert problem(answer, 422, "invalid_request")["errors"][0]["field"] == "transcript"
