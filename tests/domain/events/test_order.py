from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.errors import InvalidEvent
from domain.events.events import CLOCK_SKEW, MessageSent, SessionBooked, SessionCompleted
from domain.events.examples import example
from domain.events.order import (
    Arrived,
    LatestEvents,
    Precedence,
    RecordKind,
    StoredSession,
    only,
    outcomes_known_at,
    read_event,
)
from domain.vocabulary import SessionStatus

RECEIVED = datetime(2026, 3, 2, 12, tzinfo=UTC)


def _arrived(kind: str, event_id: str, moment: datetime = RECEIVED) -> Arrived[Any]:
    body = {**example(kind), "id": event_id, "timestamp": moment.isoformat()}
    return Arrived(1, read_event(body), RECEIVED)


def test_the_latest_event_decides_then_an_outcome_then_the_larger_id() -> None:
    later = _arrived("session.booked", "evt_a", RECEIVED + timedelta(seconds=1))
    outcome = _arrived("session.completed", "evt_a")
    larger, smaller = _arrived("session.booked", "evt_c"), _arrived("session.booked", "evt_b")
    events = [smaller, outcome, later, larger]
    assert sorted(events, key=lambda one: one.precedence) == [smaller, larger, outcome, later]


@pytest.mark.parametrize(
    ("ahead", "kept"),
    [
        (timedelta(0), timedelta(0)),
        (CLOCK_SKEW, timedelta(0)),
        (-timedelta(hours=1), -timedelta(hours=1)),
        (2 * CLOCK_SKEW, 2 * CLOCK_SKEW),
    ],
)
def test_a_moment_slightly_ahead_of_the_receipt_counts_as_the_receipt(ahead: timedelta, kept: timedelta) -> None:
    assert _arrived("session.booked", "evt_a").by_our_clock(RECEIVED + ahead) == RECEIVED + kept


def test_events_are_picked_by_type_in_their_order() -> None:
    arrived = [_arrived(kind, kind) for kind in ("session.booked", "message.sent", "session.completed")]
    assert only(arrived, SessionBooked, SessionCompleted) == [arrived[0], arrived[2]]
    assert only(arrived, MessageSent) == [arrived[1]]


def test_an_unusable_event_is_refused_by_its_fields_and_never_by_its_values() -> None:
    body = {**example("session.booked"), "data": {"session_id": "secret-value", "\x1b[31mred": "secret-value"}}
    with pytest.raises(InvalidEvent) as refused:
        read_event(body)
    assert "data.tutor_id" in str(refused.value)
    assert "secret-value" not in str(refused.value)
    assert "\x1b" not in str(refused.value)


HOUR = timedelta(hours=1)


def _received(kind: str, event_id: str, hours: int) -> tuple[str, Arrived[Any]]:
    body = {**example(kind), "id": event_id, "timestamp": (RECEIVED + hours * HOUR).isoformat()}
    return "s1", Arrived(1, read_event(body), RECEIVED + hours * HOUR)


def test_of_a_batch_the_latest_event_about_a_record_is_selected_and_an_older_one_is_not() -> None:
    booked, later = _received("session.booked", "a", 1), _received("session.booked", "b", 2)
    latest = LatestEvents({("session", "s1"): Precedence(RECEIVED, False, "")}, {})
    assert latest.select(RecordKind.SESSION, [later, booked]) == dict([later])
    assert latest.new == {("session", "s1"): later[1].precedence}
    stored = LatestEvents({("session", "s1"): Precedence(RECEIVED + 3 * HOUR, False, "")}, {})
    assert stored.select(RecordKind.SESSION, [later, booked]) == {}


@pytest.mark.parametrize(("hours", "selected"), [(-1, False), (1, True)])
def test_a_booking_from_before_an_imported_outcome_was_known_does_not_revert_it(hours: int, selected: bool) -> None:
    name, booked = _received("session.booked", "a", hours)
    sessions = {booked.event.data.session_id: StoredSession("t", SessionStatus.COMPLETED, RECEIVED)}
    assert bool(LatestEvents({}, sessions).select(RecordKind.SESSION, [(name, booked)])) is selected


def test_an_outcome_is_known_from_the_first_event_that_reports_it_and_a_correction_from_the_correction_on() -> None:
    held, held_again = _received("session.completed", "a", 2), _received("session.completed", "b", 3)
    stored = {"s1": StoredSession("t", SessionStatus.NO_SHOW, RECEIVED)}
    assert outcomes_known_at(stored, [held_again, held], dict([held_again])) == {"s1": RECEIVED + 2 * HOUR}
    earlier = _received("session.no_show", "c", -1)
    assert outcomes_known_at(stored, [earlier], {}) == {"s1": RECEIVED - HOUR}
    assert outcomes_known_at(stored, [held], {}) == {"s1": RECEIVED}
