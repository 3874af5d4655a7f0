"""Rejected webhooks: nothing is stored, and no value is repeated in the response."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from domain.vocabulary import AttributeType
from features.base.dataset import Attribute
from serving.bodies import attribute_types
from store.facts.attributes import define
from tests.lib.api_parts import problem
from tests.lib.event_parts import NOW, SIGNATURES, Rails, booked, completed, inbox, rails


@pytest.fixture
def sender(engine: Engine) -> Iterator[Rails]:
    with rails(engine) as found:
        yield found


BODY = json.dumps(completed()).encode()
SIGNED = SIGNATURES.sign("evt-1", BODY.decode(), NOW)
_FIRST_SIGNATURE = SIGNED["webhook-signature"].split()[0]


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "evt-2"},
        {"webhook-id": ""},
        {"webhook-timestamp": str(int(SIGNED["webhook-timestamp"]) + 1)},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "9" * 11},
        {"webhook-timestamp": "9" * 4000},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "1e9"},
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,not base64!"},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "v1a," + _FIRST_SIGNATURE.partition(",")[2]},
        {"webhook-signature": _FIRST_SIGNATURE.partition(",")[2]},
        {"webhook-signature": _FIRST_SIGNATURE[:-4]},
        {"webhook-signature": _FIRST_SIGNATURE.swapcase()},
        {"webhook-signature": "v1,AAAA " * 20 + _FIRST_SIGNATURE},
    ],
)
def test_what_is_not_signed_is_refused_without_a_hint(sender: Rails, engine: Engine, changed: dict[str, str]) -> None:
    found = problem(sender.post(BODY, SIGNED | changed), 401, "bad_signature")
    assert found["detail"].startswith("the webhook's signature matches none of the configured secrets")
    assert inbox(engine) == []


def test_a_body_that_was_changed_on_the_way_is_refused(sender: Rails, engine: Engine) -> None:
    problem(sender.post(BODY.replace(b'"rating": 4', b'"rating": 5'), SIGNED), 401, "bad_signature")
    problem(sender.post(BODY, {}), 401, "bad_signature")
    assert inbox(engine) == []


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_clock_that_is_off_is_told_so(sender: Rails, engine: Engine, minutes: int) -> None:
    found = problem(sender.send(BODY, at=NOW + timedelta(minutes=minutes)), 401, "bad_signature")
    assert "clock" in found["detail"]
    assert sender.send(BODY, at=NOW + timedelta(minutes=minutes * 4 / 6)).status_code == 202
    assert len(inbox(engine)) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"not json",
        b'{"type": "session.completed"',
        b'{"a": NaN}',
        b'["\\ud800"]',
        b"\xef\xbb\xbf{}",
        b"[" * 9999,
    ],
)
def test_what_is_signed_and_not_json_is_a_400(sender: Rails, engine: Engine, body: bytes) -> None:
    problem(sender.send(body), 400, "bad_request")
    assert inbox(engine) == []


def test_bytes_that_are_no_text_are_a_400(sender: Rails, engine: Engine) -> None:
    problem(sender.send(b'{"type": "\xff\xfe"}'), 400, "bad_request")
    assert inbox(engine) == []


def _with(**fields: Any) -> dict[str, Any]:
    return completed() | fields


SECRET_TEXT = "Ada Lovelace"


@pytest.mark.parametrize(
    ("event", "fields"),
    [
        (completed(rating=6), {"data.rating"}),
        (completed(rating=SECRET_TEXT), {"data.rating"}),
        (completed(late_minutes=1e300), {"data.late_minutes"}),
        (completed(duration_minutes=-1), {"data.duration_minutes"}),
        (completed(session_id=""), {"data.session_id"}),
        (completed(session_id="a" * 201), {"data.session_id"}),
        (completed(session_id="a\nb"), {"data.session_id"}),
        (completed(tutor_id="a\0b"), {"data.tutor_id"}),
        (completed(tutor_id=7), {"data.tutor_id"}),
        (completed(tutor_id="eu/7"), {"data.tutor_id"}),  # the scores of that tutor could not be requested
        (completed(starts_at="2026-11-23T16:00:00"), {"data.starts_at"}),
        (completed(starts_at="2026-02-30T16:00:00Z"), {"data.starts_at"}),
        (completed(starts_at="0001-01-01T00:00:00+14:00"), {"data.starts_at"}),
        (completed(starts_at=10**30), {"data.starts_at"}),
        (completed(attributes={"level": "x\0"}), {"data.attributes.level"}),
        (completed(attributes={"level": 10**400}), {"data.attributes.level"}),
        (completed(attributes={"level": [1]}), {"data.attributes.level"}),
        (completed(nickname=SECRET_TEXT), {"data.nickname"}),
        (_with(version="2020-01-01"), {"version"}),
        (_with(type="session.eaten"), {"type"}),
        (_with(type=None), {"type"}),
        (_with(data=None), {"data"}),
        (_with(data=[]), {"data"}),
        (_with(id="evt-2"), {"id"}),
        (_with(id=5), {"id"}),
        (_with(timestamp="2026-11-23T17:06:01Z"), {"timestamp"}),
        ({"type": "session.completed"}, {"timestamp", "data"}),
        ({}, {"type"}),
        ([], {"body"}),
        (None, {"body"}),
        ("text", {"body"}),
        (1, {"body"}),
    ],
)
def test_an_event_that_cannot_be_used_names_its_fields_and_leaves_nothing(
    sender: Rails, engine: Engine, event: Any, fields: set[str]
) -> None:
    answer = sender.send_event(event)
    found = problem(answer, 422, "invalid_request")
    assert {each["field"] for each in found["errors"]} == fields
    assert SECRET_TEXT not in answer.text
    assert inbox(engine) == []


@pytest.mark.parametrize(
    ("event", "field", "detail"),
    [
        ([1], "body", "send one JSON object"),
        (completed(starts_at="2026-11-23T16:00:00"), "data.starts_at", "must have a UTC offset, such as Z or +01:00"),
        (completed(nickname="x"), "data.nickname", "is not a known field"),
        (completed(rating=6), "data.rating", "must be at most 5"),
        (completed(session_id=""), "data.session_id", "must not be empty"),
        (
            completed(session_id="a\nb"),
            "data.session_id",
            "must not contain control characters, line breaks or text direction overrides",
        ),
        (_with(data=None), "data", "must be an object, {...}"),
        (_with(version="1"), "version", "must be '2026-11-01'"),
        ({"type": "session.completed", "data": completed()["data"]}, "timestamp", "is required"),
    ],
)
def test_what_is_wrong_with_a_field_is_said_in_our_words(sender: Rails, event: Any, field: str, detail: str) -> None:
    found = problem(sender.send_event(event), 422, "invalid_request")
    assert found["errors"] == [{"field": field, "detail": detail}]


def test_of_what_is_not_json_the_place_is_said(sender: Rails) -> None:
    found = problem(sender.send(b'{"a":\n nothing}'), 400, "bad_request")
    assert found["detail"] == "the body is signed, but it is not JSON: see line 2, column 3"


def test_infinity_is_refused_however_it_is_written(sender: Rails, engine: Engine) -> None:
    for number in (b"Infinity", b"-Infinity", b"NaN", b"1e999"):
        answer = sender.send(BODY.replace(b'"rating": 4', b'"rating": ' + number))
        assert answer.status_code in (400, 422)
        answer = sender.send(BODY.replace(b'"rating": 4', b'"attributes": {"price": ' + number + b"}"))
        assert answer.status_code in (400, 422)
    assert inbox(engine) == []


def test_an_unknown_version_is_told_the_known_one(sender: Rails) -> None:
    (error,) = problem(sender.send_event(_with(version="2020-01-01")), 422, "invalid_request")["errors"]
    assert "2026-11-01" in error["detail"]


def test_a_body_that_is_too_large_or_no_json_is_refused_unread(sender: Rails, engine: Engine) -> None:
    problem(sender.send(b"[" + b" " * 10_000_000 + b"]"), 413, "body_too_large")
    refused = sender.http.post("/api/sessions", content=BODY, headers=SIGNED | {"Content-Type": "text/plain"})
    problem(refused, 415, "not_json")
    assert inbox(engine) == []


def test_an_attribute_of_another_type_than_declared_is_refused_before_it_is_taken(engine: Engine) -> None:
    with engine.begin() as connection:
        define(connection, [Attribute("sessions", "price", AttributeType.NUMERIC, late=False)])
    with rails(engine) as sender:
        for value in ("12.50", ""):
            found = problem(
                sender.send_event(completed(attributes={"price": value, "mood": "good"})), 422, "invalid_request"
            )
            assert found["errors"] == [
                {
                    "field": "data.attributes.price",
                    "detail": "must be a number: this attribute was declared as numeric",
                }
            ]
        events = [booked("evt-1", "s1"), booked("evt-2", "s2")]
        events[1]["data"]["attributes"] = {"price": "dear"}
        found = problem(sender.send_batch(events), 422, "invalid_request")
        assert [error["field"] for error in found["errors"]] == ["events.1.data.attributes.price"]
        assert inbox(engine) == []
        assert sender.send_event(completed(attributes={"price": 12.5})).status_code == 202


def test_an_attribute_that_is_declared_while_the_service_runs_counts_within_seconds(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attribute_types, "FRESH_SECONDS", 0.0)
    with rails(engine) as sender:
        assert sender.send_event(completed(attributes={"price": "12.50"})).status_code == 202
        with engine.begin() as connection:
            define(connection, [Attribute("sessions", "price", AttributeType.NUMERIC, late=False)])
        assert sender.send_event(completed(attributes={"price": "13.50"}), "evt-2").status_code == 422
