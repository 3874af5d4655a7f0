"""Tables after events in any order, repeated, late, early, or about unknown people."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from domain.vocabulary import AttributeType
from features.base.dataset import Attribute
from features.history.history import History
from store.facts.apply_events import Applied, apply
from store.facts.attributes import define
from store.facts.history import read_dataset
from tests.lib.inbox_parts import DAY, HOUR, NOON, arrived, event, facts, one, rows

SESSION = "SELECT * FROM sessions WHERE session_id = 'session-81023'"
PRICE = Attribute("sessions", "price", AttributeType.NUMERIC)

BOOKED = event("session.booked", "e1", NOON - 3 * DAY)
MOVED = event("session.rescheduled", "e2", NOON - 2 * DAY, starts_at=NOON + DAY, ends_at=NOON + DAY + HOUR)
HELD = event("session.completed", "e3", NOON + DAY, starts_at=NOON + DAY, ends_at=None, rating=None)
RATED = event("session.completed", "e4", NOON + 2 * DAY, starts_at=NOON + DAY, ends_at=None, rating=5)
WRITTEN = event("message.sent", "e5", NOON - DAY)
NAMED = event("tutor.updated", "e6", NOON - 9 * DAY)
RENAMED = event("tutor.updated", "e7", NOON - 8 * DAY, name="Grace")
TOLD = event("transcript.ready", "e8", NOON + DAY)
STORY = (BOOKED, MOVED, HELD, RATED, WRITTEN, NAMED, RENAMED)


def applied(engine: Engine, *events: dict[str, Any], received_at: datetime = NOON) -> Applied:
    return apply(engine, arrived(events, received_at))


def test_a_story_told_in_order_ends_as_the_last_event_says(engine: Engine) -> None:
    for each in STORY:
        applied(engine, each)
    applied(engine, TOLD)
    session = one(engine, SESSION)
    assert (session.status, session.rating, session.starts_at) == ("completed", 5.0, NOON + DAY)
    assert session.scheduled_at == NOON - 2 * DAY
    moved = one(engine, "SELECT * FROM reschedules")
    assert (moved.reschedule_id, moved.initiator, moved.new_starts_at) == ("e2", "tutor", NOON + DAY)
    assert one(engine, "SELECT name FROM tutors").name == "Grace"
    assert one(engine, "SELECT count(*) AS n FROM messages").n == 1
    assert one(engine, "SELECT text FROM transcripts").text == "tutor: Hello.\nstudent: Hi."


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations([*STORY, *STORY[:3]]), sizes=st.lists(st.integers(1, 4), min_size=10, max_size=10))
def test_any_order_in_any_batches_with_repetitions_ends_the_same(
    engine: Engine, order: list[dict[str, Any]], sizes: list[int]
) -> None:
    _empty(engine)
    applied(engine, *STORY)
    expected = facts(engine)
    _empty(engine)
    while order:
        size = sizes.pop()
        batch, order = order[:size], order[size:]
        applied(engine, *batch)
    assert facts(engine) == expected


def _empty(engine: Engine) -> None:
    with engine.begin() as connection:
        for name in ("messages", "reschedules", "sessions", "students", "tutors", "latest_events"):
            connection.execute(text(f"DELETE FROM {name}"))


def test_a_late_event_changes_nothing_but_leaves_its_reschedule(engine: Engine) -> None:
    applied(engine, HELD)
    before = one(engine, SESSION)
    applied(engine, MOVED)
    after = one(engine, SESSION)
    assert (after.status, after.starts_at) == (before.status, before.starts_at)
    assert one(engine, "SELECT count(*) AS n FROM reschedules").n == 1
    assert after.scheduled_at == NOON - 2 * DAY


def test_at_the_same_moment_an_outcome_stands_before_a_booking_then_the_larger_id(engine: Engine) -> None:
    outcome = event("session.no_show", "a", NOON, starts_at=NOON)
    applied(engine, event("session.booked", "z", NOON), outcome)
    assert one(engine, SESSION).status == "no_show"
    applied(engine, event("session.booked", "zz", NOON))
    assert one(engine, SESSION).status == "no_show"
    applied(engine, event("session.cancelled", "b", NOON))
    assert one(engine, SESSION).status == "cancelled"
    applied(engine, outcome)
    assert one(engine, SESSION).status == "cancelled"


def test_an_outcome_is_known_since_it_first_came_and_a_correction_since_the_correction(engine: Engine) -> None:
    applied(engine, HELD, received_at=NOON + DAY)
    applied(engine, RATED, received_at=NOON + 2 * DAY)
    assert one(engine, SESSION).outcome_known_at == NOON + DAY
    missed = event("session.no_show", "e9", NOON + 3 * DAY)
    applied(engine, missed, received_at=NOON + 3 * DAY)
    corrected = one(engine, SESSION)
    assert (corrected.status, corrected.outcome_known_at) == ("no_show", NOON + 3 * DAY)
    applied(engine, event("session.booked", "e10", NOON + 4 * DAY), received_at=NOON + 4 * DAY)
    assert one(engine, SESSION).outcome_known_at is None


def test_an_outcome_applied_after_a_later_event_of_the_same_is_known_since_it_was_received(engine: Engine) -> None:
    applied(engine, RATED, received_at=NOON + 2 * DAY)
    applied(engine, HELD, received_at=NOON + DAY)
    assert one(engine, SESSION).outcome_known_at == NOON + DAY


def test_unknown_tutors_and_students_become_rows_with_an_id_and_keep_what_is_known_of_them(engine: Engine) -> None:
    applied(engine, NAMED)
    applied(engine, event("session.booked", "x", tutor_id="nobody", student_id="noone"), BOOKED)
    assert [row.name for row in rows(engine, "SELECT name FROM tutors ORDER BY tutor_id")] == [None, "Ada"]
    assert len(rows(engine, "SELECT student_id FROM students")) == 2


def test_a_transcript_before_its_session_is_early_and_kept_once_the_session_is_there(engine: Engine) -> None:
    assert applied(engine, WRITTEN, TOLD).early == {1}
    assert not rows(engine, "SELECT 1 FROM transcripts")
    assert applied(engine, TOLD, BOOKED).early == frozenset()
    assert one(engine, "SELECT text FROM transcripts")


def test_an_imported_outcome_is_undone_by_no_booking_of_before_and_mended_by_an_outcome(engine: Engine) -> None:
    applied(engine, HELD, received_at=NOON + DAY)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM latest_events"))  # as left by an import
    applied(engine, BOOKED, MOVED)
    assert one(engine, SESSION).status == "completed"
    applied(engine, RATED)
    assert one(engine, SESSION).rating == 5.0


def test_a_session_given_to_another_tutor_touches_both(engine: Engine) -> None:
    applied(engine, BOOKED)
    result = applied(engine, event("session.booked", "e9", NOON, tutor_id="tutor-18"))
    assert result.tutors == {"tutor-17", "tutor-18"}


@pytest.mark.parametrize(
    ("kind", "data", "says"),
    [
        ("session.booked", {"ends_at": NOON - DAY}, "ends_at is before starts_at"),
        (
            "session.no_show",
            {"starts_at": NOON + 30 * DAY, "ends_at": None},
            "is more than 15 minutes before starts_at",
        ),
        ("tutor.updated", {"started_at": NOON, "departed_at": NOON - DAY}, "departed_at is before started_at"),
        ("session.booked", {"attributes": {"price": "dear"}}, "data.attributes.price must be a number"),
    ],
)
def test_an_impossible_event_is_refused_with_a_sentence_and_the_others_go_on(
    engine: Engine, kind: str, data: dict[str, Any], says: str
) -> None:
    with engine.begin() as connection:
        define(connection, (PRICE,))
    result = applied(engine, event(kind, "bad", **data), WRITTEN)
    assert list(result.rejected) == [0]
    assert says in result.rejected[0]
    assert not rows(engine, "SELECT 1 FROM sessions")
    assert rows(engine, "SELECT 1 FROM messages")


def test_of_attributes_those_defined_are_kept_and_none_given_changes_none(engine: Engine) -> None:
    with engine.begin() as connection:
        define(connection, (PRICE,))
    applied(engine, event("session.booked", "e1", NOON, attributes={"price": 30, "mood": "good"}))
    applied(engine, event("session.completed", "e2", NOON + DAY))
    assert one(engine, SESSION).attributes == {"price": 30.0}
    applied(engine, event("session.completed", "e3", NOON + 2 * DAY, attributes={"price": 35.5}))
    applied(engine, event("session.booked", "e0", NOON - DAY, attributes={"price": 1}))
    assert one(engine, SESSION).attributes == {"price": 35.5}


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("Europe/Berlin", [18, 17, 17, 17, 17]), ("America/New_York", [12, 12, 12, 11, 11])],
)
def test_across_a_daylight_saving_change_sessions_fall_into_the_hour_the_tutor_lived(
    engine: Engine, zone: str, expected: list[int]
) -> None:
    """Summer time ends in Europe on 25 October 2026, in New York on 1 November; the local hour of 16:00 UTC changes."""
    applied(engine, event("tutor.updated", "t", timezone=zone))
    days = [(10, 24), (10, 25), (10, 31), (11, 1), (11, 2)]
    starts = [datetime(2026, month, day, 16, 30, tzinfo=UTC) for month, day in days]
    booked = datetime(2026, 10, 1, tzinfo=UTC)
    events = [
        event("session.booked", f"e{n}", session_id=f"s{n}", booked_at=booked, starts_at=at, ends_at=None)
        for n, at in enumerate(starts)
    ]
    random.Random(1).shuffle(events)
    applied(engine, *events)
    assert History(read_dataset(engine)).sessions.hour.tolist() == expected


def test_a_move_across_a_daylight_saving_change_keeps_its_notice_in_real_hours(engine: Engine) -> None:
    """Requested at 1:30 in Berlin's summer time, start at 12:30 in its winter time: the notice is 12 h, not 11 h."""
    moved = event("session.rescheduled", "m", old_starts_at="2026-10-25T12:30:00+01:00")
    applied(engine, moved | {"timestamp": "2026-10-25T01:30:00+02:00"})
    assert one(engine, "SELECT notice_hours FROM reschedules").notice_hours == 12.0


def test_a_late_event_of_another_tutor_touches_who_has_the_session_now(engine: Engine) -> None:
    applied(engine, HELD)
    late = event("session.rescheduled", "late", NOON - 2 * DAY, tutor_id="before")
    assert applied(engine, late).tutors == {"before", "tutor-17"}
