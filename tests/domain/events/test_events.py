from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from domain.events.events import CLOCK_SKEW, Event, ahead, status_of
from domain.events.examples import TYPES, example
from domain.vocabulary import SessionStatus

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def _read(body: Any) -> Event:
    return TypeAdapter(Event).validate_python(body)


def _event_of(kind: str, **data: Any) -> dict[str, Any]:
    body = example(kind)
    return {**body, "data": {**body["data"], **data}}


@pytest.mark.parametrize("kind", TYPES)
def test_an_unknown_field_is_refused_in_every_event(kind: str) -> None:
    with pytest.raises(ValidationError, match="surprise"):
        _read(_event_of(kind, surprise=1))


@pytest.mark.parametrize(
    ("kind", "data", "status"),
    [
        ("session.booked", {}, SessionStatus.BOOKED),
        ("session.rescheduled", {}, SessionStatus.BOOKED),
        ("session.cancelled", {}, SessionStatus.CANCELLED),
        ("session.completed", {}, SessionStatus.COMPLETED),
        ("session.no_show", {"absent": "tutor"}, SessionStatus.NO_SHOW),
        ("session.no_show", {"absent": "student"}, SessionStatus.STUDENT_NO_SHOW),
    ],
)
def test_the_status_of_a_session_follows_from_the_event(kind: str, data: dict[str, Any], status: SessionStatus) -> None:
    assert status_of(_read(_event_of(kind, **data))) is status  # type: ignore[arg-type]


def test_a_moment_may_be_ahead_by_the_clock_skew_and_no_more() -> None:
    second = timedelta(seconds=1)
    for late, fields in ((CLOCK_SKEW, []), (CLOCK_SKEW + second, ["timestamp", "data.booked_at"])):
        moment = (NOW + late).isoformat()
        event = _read({**_event_of("session.booked", booked_at=moment), "timestamp": moment})
        assert ahead(event, NOW) == fields
