"""The webhook: what is taken is in the database, once, and what cannot be used leaves nothing."""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, text

from domain.event_examples import TYPES, example
from tests.api_parts import problem
from tests.event_parts import NEXT_SECRET, NOW, SIGNATURES, Rails, booked, completed, inbox, rails


@pytest.fixture
def sender(engine: Engine) -> Iterator[Rails]:
    with rails(engine) as found:
        yield found


@pytest.mark.parametrize("kind", TYPES)
def test_an_event_of_every_type_is_kept_as_it_was_sent(sender: Rails, engine: Engine, kind: str) -> None:
    answer = sender.tell(example(kind), "evt-7")
    assert (answer.status_code, answer.json()) == (202, {"id": "evt-7", "status": "accepted"})
    (row,) = inbox(engine)
    assert (row.source, row.key, row.type) == ("webhook", "event:evt-7", kind)
    assert row.body == {"id": "evt-7", **example(kind)}
    assert (row.received_at, row.processed_at, row.tries) == (NOW, None, 0)


def test_the_same_again_is_answered_the_same_and_counts_once(sender: Rails, engine: Engine) -> None:
    first, again = sender.tell(completed()), sender.tell(completed())
    # Neither the order of fields nor an id that repeats the header makes it another event.
    turned = {"id": "evt-1", **dict(reversed(completed().items()))}
    assert [(a.status_code, a.content) for a in (again, sender.tell(turned))] == [(202, first.content)] * 2
    assert len(inbox(engine)) == 1


def test_the_same_id_with_another_body_is_a_conflict_and_changes_nothing(sender: Rails, engine: Engine) -> None:
    sender.tell(completed(rating=4))
    found = problem(sender.tell(completed(rating=2)), 409, "event_conflict")
    assert "evt-1" in found["detail"]
    (row,) = inbox(engine)
    assert row.body["data"]["rating"] == 4


def test_the_same_webhook_a_thousand_times_with_fifty_at_once_makes_one_row(sender: Rails, engine: Engine) -> None:
    body = json.dumps(completed()).encode()
    headers = SIGNATURES.sign("evt-1", body.decode(), NOW)
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: sender.post(body, headers), range(1000)))
    assert Counter((a.status_code, a.content) for a in answers) == {(202, answers[0].content): 1000}
    assert len(inbox(engine)) == 1
    print(f"{len(answers)} times the same webhook, 50 at once: {len(inbox(engine))} row")


def test_either_of_two_secrets_is_good(sender: Rails) -> None:
    assert sender.send(json.dumps(completed()).encode(), secret=NEXT_SECRET).status_code == 202


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
    assert found["detail"].startswith("the webhook is not signed with a secret known here")
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
        ([], {"type"}),
        (None, {"type"}),
        ("text", {"type"}),
        (1, {"type"}),
    ],
)
def test_an_event_that_cannot_be_used_names_its_fields_and_leaves_nothing(
    sender: Rails, engine: Engine, event: Any, fields: set[str]
) -> None:
    answer = sender.tell(event)
    found = problem(answer, 422, "invalid_request")
    assert {each["field"] for each in found["errors"]} == fields
    assert SECRET_TEXT not in answer.text
    assert inbox(engine) == []


def test_infinity_is_refused_however_it_is_written(sender: Rails, engine: Engine) -> None:
    for number in (b"Infinity", b"-Infinity", b"NaN", b"1e999"):
        answer = sender.send(BODY.replace(b'"rating": 4', b'"rating": ' + number))
        assert answer.status_code in (400, 422)
        answer = sender.send(BODY.replace(b'"rating": 4', b'"attributes": {"price": ' + number + b"}"))
        assert answer.status_code in (400, 422)
    assert inbox(engine) == []


def test_an_unknown_version_is_told_the_known_one(sender: Rails) -> None:
    (error,) = problem(sender.tell(_with(version="2020-01-01")), 422, "invalid_request")["errors"]
    assert "2026-11-01" in error["detail"]


def test_a_moment_written_as_seconds_is_understood(sender: Rails, engine: Engine) -> None:
    assert sender.tell(completed(starts_at=1795449600)).status_code == 202
    assert len(inbox(engine)) == 1


def test_a_body_that_is_too_large_or_no_json_is_refused_unread(sender: Rails, engine: Engine) -> None:
    problem(sender.send(b"[" + b" " * 10_000_000 + b"]"), 413, "body_too_large")
    refused = sender.http.post("/api/sessions", content=BODY, headers=SIGNED | {"Content-Type": "text/plain"})
    problem(refused, 415, "not_json")
    assert inbox(engine) == []


def test_a_batch_is_kept_whole_in_the_order_it_was_sent(sender: Rails, engine: Engine) -> None:
    answer = sender.tell_many([booked(f"e{n:04}", f"s{n}") for n in range(1000)])
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
    ],
)
def test_one_event_that_cannot_be_used_keeps_the_whole_batch_out(
    sender: Rails, engine: Engine, events: list[dict[str, Any]], field: str
) -> None:
    found = problem(sender.tell_many(events), 422, "invalid_request")
    assert [each["field"] for each in found["errors"]] == [field]
    assert inbox(engine) == []


def test_a_conflict_keeps_the_whole_batch_out_and_is_named(sender: Rails, engine: Engine) -> None:
    sender.tell_many([booked("a", "s1")])
    found = problem(sender.tell_many([booked("b", "s2"), booked("a", "other")]), 409, "event_conflict")
    assert ": a." in found["detail"]
    problem(sender.tell_many([booked("c", "s3"), booked("c", "s4")]), 409, "event_conflict")
    assert [row.key for row in inbox(engine)] == ["event:a"]


def test_a_batch_may_hold_what_came_before_and_the_same_twice(sender: Rails, engine: Engine) -> None:
    sender.tell_many([booked("a", "s1")])
    events = [booked("b", "s2"), booked("a", "s1"), booked("b", "s2")]
    assert sender.tell_many(events).json()["ids"] == ["b", "a", "b"]
    assert [row.key for row in inbox(engine)] == ["event:a", "event:b"]


def test_a_first_session_of_a_pair_goes_before_others(sender: Rails, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO tutors (tutor_id) VALUES ('tutor-17')"))
        connection.execute(text("INSERT INTO students (student_id) VALUES ('student-204')"))
        connection.execute(
            text("""
                INSERT INTO sessions (session_id, tutor_id, student_id, booked_at, starts_at, status)
                VALUES ('session-1', 'tutor-17', 'student-204', '2026-11-01Z', '2026-11-02Z', 'booked')
            """)
        )
    sender.tell(completed(session_id="session-2"), "later")
    sender.tell(completed(session_id="session-2", student_id="another"), "first")
    # The booking itself, said again, is the first of its pair, though it stands there already.
    sender.tell(completed(session_id="session-1", starts_at="2026-11-02T00:00:00Z"), "itself")
    sender.tell(example("message.sent"), "message")
    assert {row.key: row.priority for row in inbox(engine)} == {
        "event:later": 1,
        "event:first": 0,
        "event:itself": 0,
        "event:message": 1,
    }


def test_while_the_database_is_away_nothing_is_said_to_be_taken(sender: Rails, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE inbox RENAME TO away"))
    assert sender.tell(completed()).status_code == 500
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO inbox"))
    assert sender.tell(completed()).status_code == 202
    assert len(inbox(engine)) == 1


def test_an_event_that_the_database_refuses_does_not_take_others_with_it(sender: Rails, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE inbox ADD CONSTRAINT picky CHECK (key <> 'event:poison')"))
    body = json.dumps(completed()).encode()

    def send(message_id: str) -> httpx.Response:
        return sender.post(body, SIGNATURES.sign(message_id, body.decode(), NOW))

    ids = [f"good-{n}" for n in range(100)] + ["poison"] * 20
    with ThreadPoolExecutor(30) as pool:
        answers = dict(zip(ids, pool.map(send, ids), strict=True))
    assert {answers[name].status_code for name in ids if name != "poison"} == {202}
    assert answers["poison"].status_code == 500
    assert len(inbox(engine)) == 100
