"""Gap detector: sessions missing here are listed, apart from those whose events are still waiting."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, text

from store.facts.load import load
from tests.lib.api_parts import HEADERS, NOW, marketplace, problem
from tests.lib.event_parts import Rails, booked, rails

DAY = {"from": (NOW - timedelta(days=3)).isoformat(), "to": NOW.isoformat()}
HERE = ["past-0", "past-1"]


@pytest.fixture
def sender(engine: Engine) -> Iterator[Rails]:
    load(engine, marketplace())
    with rails(engine) as found:
        yield found


def _ask(sender: Rails, **query: Any) -> httpx.Response:
    return sender.http.post("/api/sessions/reconcile", json=DAY | query, headers=HEADERS)


def _lists(answer: httpx.Response) -> dict[str, list[str]]:
    assert answer.status_code == 200
    return {name: answer.json()[name] for name in ("missing", "waiting", "parked", "unexpected") if answer.json()[name]}


def test_a_day_that_is_the_same_on_both_sides_is_complete(sender: Rails) -> None:
    answer = _ask(sender, session_ids=HERE, counts={"completed": 1, "no_show": 1})
    assert answer.json()["complete"]
    assert _lists(answer) == {}


def test_what_never_came_and_what_nobody_named_are_listed(sender: Rails) -> None:
    answer = _ask(sender, session_ids=["lost-2", "past-1", "lost-1"])
    assert _lists(answer) == {"missing": ["lost-2", "lost-1"], "unexpected": ["past-0"]}
    assert not answer.json()["complete"]


def test_sessions_beyond_the_span_are_neither_missing_nor_unexpected(sender: Rails) -> None:
    # Rails may list a session that was moved to another day; only its presence here counts.
    assert _ask(sender, session_ids=[*HERE, "past-7"]).json()["complete"]


def test_an_event_that_waits_is_no_gap_and_one_that_is_parked_needs_a_person(sender: Rails, engine: Engine) -> None:
    sender.send_batch([booked("a", "waits"), booked("b", "parked"), booked("c", "both"), booked("d", "both")])
    with engine.begin() as connection:
        connection.execute(text("UPDATE inbox SET parked_at = now() WHERE key IN ('event:b', 'event:c')"))
    answer = _ask(sender, session_ids=[*HERE, "waits", "parked", "both"])
    assert _lists(answer) == {"waiting": ["waits", "both"], "parked": ["parked"]}
    assert not answer.json()["complete"]


def test_counts_that_differ_are_named_by_status(sender: Rails) -> None:
    answer = _ask(sender, counts={"completed": 5, "no_show": 1, "cancelled": 0}).json()
    assert (answer["complete"], answer["missing"]) == (False, [])
    assert answer["counts"] == [{"status": "completed", "yours": 5, "ours": 1}]
    assert answer["backlog"] == 0
    sender.send_batch([booked("a", "s1"), booked("b", "s2")])
    assert _ask(sender, counts={}).json()["backlog"] == 2


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"session_ids": ["a"] * 20_001},
        {"session_ids": [""]},
        {"session_ids": [7]},
        {"session_ids": ["a\0"]},
        {"session_ids": [], "to": DAY["from"]},
        {"session_ids": [], "from": "2026-01-01T00:00:00Z"},
        {"session_ids": [], "from": "2026-02-27"},
        {"session_ids": [], "from": "-infinity"},
        {"counts": {"completed": -1}},
        {"counts": {"completed": 10**30}},
        {"counts": {"eaten": 1}},
        {"counts": {}, "more": 1},
    ],
)
def test_a_question_that_cannot_be_answered_says_why(sender: Rails, query: dict[str, Any]) -> None:
    assert problem(_ask(sender, **query), 422, "invalid_request")["errors"]


@pytest.mark.parametrize(
    ("query", "field", "detail"),
    [
        ({}, "body", "send session_ids, counts or both"),
        ({"counts": {"done": 1}}, "counts.done", "must be 'booked', 'completed', "),
        ({"counts": {"completed": "many"}}, "counts.completed", "must be a whole number"),
    ],
)
def test_what_is_wrong_is_said_of_the_field_that_was_sent(
    sender: Rails, query: dict[str, Any], field: str, detail: str
) -> None:
    (found,) = problem(_ask(sender, **query), 422, "invalid_request")["errors"]
    assert found["field"] == field
    assert found["detail"].startswith(detail)


def test_twenty_thousand_ids_are_answered(sender: Rails) -> None:
    asked = [f"session-{n}" for n in range(19_998)] + HERE
    assert len(_ask(sender, session_ids=asked).json()["missing"]) == 19_998


def test_nobody_asks_without_a_key(sender: Rails) -> None:
    problem(sender.http.post("/api/sessions/reconcile", json=DAY | {"session_ids": []}), 401, "wrong_key")


def test_any_offset_that_a_clock_can_be_written_with_is_understood(sender: Rails) -> None:
    hours = timezone(timedelta(hours=23, minutes=59))
    day = {name: datetime.fromisoformat(moment).astimezone(hours).isoformat() for name, moment in DAY.items()}
    assert _ask(sender, **day, session_ids=HERE).json()["complete"]


def test_a_session_that_is_here_with_an_event_that_is_parked_is_not_complete(sender: Rails, engine: Engine) -> None:
    sender.send_batch([booked("a", "past-1"), booked("b", "past-0")])
    with engine.begin() as connection:
        connection.execute(text("UPDATE inbox SET parked_at = now() WHERE key = 'event:a'"))
    answer = _ask(sender, session_ids=HERE)
    assert _lists(answer) == {"parked": ["past-1"]}
    assert not answer.json()["complete"]
