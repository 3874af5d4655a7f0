"""Batches of events: stored completely or not at all."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.lib.api_parts import problem
from tests.lib.event_parts import Rails, booked, completed, inbox, rails


@pytest.fixture
def sender(engine: Engine) -> Iterator[Rails]:
    with rails(engine) as found:
        yield found


def test_a_batch_is_kept_whole_in_the_order_it_was_sent(sender: Rails, engine: Engine) -> None:
    answer = sender.send_batch([booked(f"e{n:04}", f"s{n}") for n in range(1000)])
    assert answer.status_code == 202
    assert answer.json() == {"ids": [f"e{n:04}" for n in range(1000)], "status": "accepted"}
    assert [row.key for row in inbox(engine)] == [f"event:e{n:04}" for n in range(1000)]


@pytest.mark.parametrize(
    ("events", "field"),
    [
        ([], "events"),
        ([booked(f"e{n}", "s") for n in range(1001)], "events"),
        ([booked("a", "s1"), {**completed(rating=9), "id": "b"}], "events.1.data.rating"),
        ([booked("a", "s1"), completed()], "events.1.id"),
        ([booked("a", "s1"), {**completed(), "id": "b", "timestamp": "2026-11-23T18:00:00Z"}], "events.1.timestamp"),
        ([booked("a", "s1"), {"id": "b", "type": "nothing"}], "events.1.type"),
        ([{"id": "b", "type": "nothing"}], "events.0.type"),
    ],
)
def test_one_event_that_cannot_be_used_keeps_the_whole_batch_out(
    sender: Rails, engine: Engine, events: list[dict[str, Any]], field: str
) -> None:
    found = problem(sender.send_batch(events), 422, "invalid_request")
    assert [error["field"] for error in found["errors"]] == [field]
    assert inbox(engine) == []


def test_a_batch_that_is_none_is_told_what_one_is(sender: Rails) -> None:
    nothing = problem(sender.send_batch([]), 422, "invalid_request")
    assert nothing["errors"] == [{"field": "events", "detail": "send at least one event"}]
    no_object = problem(sender.send(b"[1]", path="/batch"), 422, "invalid_request")
    assert no_object["errors"] == [{"field": "body", "detail": 'send {"events": [...]}'}]


def test_a_conflict_keeps_the_whole_batch_out_and_is_named(sender: Rails, engine: Engine) -> None:
    sender.send_batch([booked("a", "s1")])
    found = problem(sender.send_batch([booked("b", "s2"), booked("a", "other")]), 409, "event_conflict")
    assert ": a." in found["detail"]
    problem(sender.send_batch([booked("c", "s3"), booked("c", "s4")]), 409, "event_conflict")
    assert [row.key for row in inbox(engine)] == ["event:a"]


@pytest.mark.parametrize("place", range(0, 40, 3))
def test_an_id_that_comes_twice_with_other_bodies_is_a_conflict_wherever_it_stands(
    sender: Rails, engine: Engine, place: int
) -> None:
    events = [booked(f"e{n}", "s1") for n in range(40)]
    events.insert(place, booked("e20", "other"))
    problem(sender.send_batch(events), 409, "event_conflict")
    assert inbox(engine) == []


def test_a_batch_may_hold_what_came_before_and_the_same_twice(sender: Rails, engine: Engine) -> None:
    sender.send_batch([booked("a", "s1")])
    events = [booked("b", "s2"), booked("a", "s1"), booked("b", "s2")]
    assert sender.send_batch(events).json()["ids"] == ["b", "a", "b"]
    assert [row.key for row in inbox(engine)] == ["event:a", "event:b"]
