"""The events webhook: an accepted event is stored exactly once."""

import json
from collections import Counter
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from domain.events.examples import TYPES, example
from store.db.engine import make_engine
from tests.lib.api_parts import problem
from tests.lib.event_parts import NEXT_SECRET, NOW, Rails, completed, inbox, rails


@pytest.fixture
def sender(engine: Engine) -> Iterator[Rails]:
    with rails(engine) as found:
        yield found


@pytest.mark.parametrize("kind", TYPES)
def test_an_event_of_every_type_is_kept_as_it_was_sent(sender: Rails, engine: Engine, kind: str) -> None:
    answer = sender.send_event(example(kind), "evt-7")
    assert (answer.status_code, answer.json()) == (202, {"id": "evt-7", "status": "accepted"})
    (row,) = inbox(engine)
    assert (row.source, row.key, row.type) == ("webhook", "event:evt-7", kind)
    assert row.body == {"id": "evt-7", **example(kind)}
    assert (row.received_at, row.processed_at, row.tries) == (NOW, None, 0)


def test_the_same_again_is_answered_the_same_and_counts_once(sender: Rails, engine: Engine) -> None:
    first, again = sender.send_event(completed()), sender.send_event(completed())
    # Neither a different order of fields nor an id that repeats the header changes the event.
    turned = {"id": "evt-1", **dict(reversed(completed().items()))}
    assert [(a.status_code, a.content) for a in (again, sender.send_event(turned))] == [(202, first.content)] * 2
    assert len(inbox(engine)) == 1


def test_the_same_id_with_another_body_is_a_conflict_and_changes_nothing(sender: Rails, engine: Engine) -> None:
    sender.send_event(completed(rating=4))
    found = problem(sender.send_event(completed(rating=2)), 409, "event_conflict")
    assert "evt-1" in found["detail"]
    (row,) = inbox(engine)
    assert row.body["data"]["rating"] == 4


def test_the_same_webhook_a_thousand_times_with_fifty_at_once_makes_one_row(sender: Rails, engine: Engine) -> None:
    body = json.dumps(completed()).encode()
    answers = sender.at_once(body, ["evt-1"] * 1000, connections=50)
    assert Counter(answers) == {(202, b'{"id":"evt-1","status":"accepted"}'): 1000}
    assert len(inbox(engine)) == 1
    print(f"{len(answers)} times the same webhook, 50 at once: {len(inbox(engine))} row")


def test_either_of_two_secrets_is_good(sender: Rails) -> None:
    assert sender.send(json.dumps(completed()).encode(), secret=NEXT_SECRET).status_code == 202


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
    sender.send_event(completed(session_id="session-2"), "later")
    sender.send_event(completed(session_id="session-2", student_id="another"), "first")
    # A repeated event about the stored booking itself still counts as the first of its pair.
    sender.send_event(completed(session_id="session-1", starts_at="2026-11-02T00:00:00Z"), "itself")
    sender.send_event(example("message.sent"), "message")
    assert {row.key: row.priority for row in inbox(engine)} == {
        "event:later": 1,
        "event:first": 0,
        "event:itself": 0,
        "event:message": 1,
    }


def test_what_cannot_be_written_is_not_said_to_be_taken(sender: Rails, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE inbox RENAME TO away"))
    assert sender.send_event(completed()).status_code == 500
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO inbox"))
    assert sender.send_event(completed()).status_code == 202
    assert len(inbox(engine)) == 1


def test_while_the_database_is_away_it_says_to_come_again() -> None:
    with rails(make_engine("postgresql+psycopg2://nobody@127.0.0.1:1/nothing")) as sender:
        answer = sender.send_event(completed())
    problem(answer, 503, "database_unavailable")
    assert int(answer.headers["retry-after"]) > 0


def test_an_event_that_the_database_refuses_does_not_take_others_with_it(sender: Rails, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE inbox ADD CONSTRAINT picky CHECK (key <> 'event:poison')"))
    ids = [f"good-{n}" if n % 6 else "poison" for n in range(120)]
    answers = sender.at_once(json.dumps(completed()).encode(), ids, connections=30)
    assert {(name == "poison", status) for name, (status, _) in zip(ids, answers, strict=True)} == {
        (False, 202),
        (True, 500),
    }
    assert len(inbox(engine)) == 100


def test_any_offset_that_a_clock_can_be_written_with_is_understood(sender: Rails, engine: Engine) -> None:
    assert sender.send_event(completed(starts_at="2026-11-23T16:00:00+23:59")).status_code == 202
    assert len(inbox(engine)) == 1
