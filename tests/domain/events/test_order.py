from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.errors import InvalidEvent
from domain.events.events import CLOCK_SKEW, MessageSent, SessionBooked, SessionCompleted
from domain.events.examples import example
from domain.events.order import Arrived, only, read_event

RECEIVED = datetime(2026, 3, 2, 12, tzinfo=UTC)


def _arrived(kind: str, event_id: str, moment: datetime = RECEIVED) -> Arrived[Any]:
    body = {**example(kind), "id": event_id, "timestamp": moment.isoformat()}
    return Arrived(1, read_event(body), RECEIVED)


def test_the_latest_event_decides_then_an_outcome_then_the_larger_id() -> None:
    later = _arrived("session.booked", "evt_a", RECEIVED + timedelta(seconds=1))
    outcome = _arrived("session.completed", "evt_a")
    larger, smaller = _arrived("session.booked", "evt_c"), _arrived("session.booked", "evt_b")
    events = [smaller, outcome, later, larger]
    assert sorted(events, key=lambda one: one.standing) == [smaller, larger, outcome, later]


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
