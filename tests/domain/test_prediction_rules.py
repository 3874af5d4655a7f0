"""Rules for sessions that can be predicted."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.errors import NotUpcoming
from domain.prediction_rules import broken_attributes, broken_times, check_upcoming
from domain.vocabulary import AttributeType, SessionStatus

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TYPES = {"subject": AttributeType.CATEGORICAL, "price": AttributeType.NUMERIC}


def test_a_booked_session_that_starts_later_can_be_predicted() -> None:
    check_upcoming("s1", SessionStatus.BOOKED, NOW + HOUR, NOW)


@pytest.mark.parametrize(
    ("status", "starts_at", "reason"),
    [
        (SessionStatus.CANCELLED, NOW + HOUR, "'s1' is cancelled"),
        (SessionStatus.BOOKED, NOW, "'s1' has started"),
        (SessionStatus.BOOKED, NOW - HOUR, "'s1' has started"),
    ],
)
def test_a_session_that_is_not_upcoming_cannot(status: str, starts_at: datetime, reason: str) -> None:
    with pytest.raises(NotUpcoming, match=reason):
        check_upcoming("s1", status, starts_at, NOW)


@pytest.mark.parametrize(
    ("starts_at", "booked_at", "fields"),
    [
        (NOW + HOUR, None, []),
        (NOW + HOUR, NOW, []),
        (NOW, None, ["starts_at"]),
        (NOW + HOUR, NOW + HOUR / 2, ["booked_at"]),
        (NOW - HOUR, NOW - HOUR / 2, ["starts_at", "booked_at"]),
    ],
)
def test_times_of_a_described_session_are_before_now_and_before_its_start(
    starts_at: datetime, booked_at: datetime | None, fields: list[str]
) -> None:
    assert [rule.field for rule in broken_times(starts_at, booked_at, NOW)] == fields


def test_attributes_must_be_known_and_of_the_declared_type() -> None:
    assert list(broken_attributes({"subject": "maths", "price": 20.0}, TYPES)) == []
    assert list(broken_attributes({"subject": None, "price": None}, TYPES)) == []
    broken = list(broken_attributes({"subject": 1.0, "price": "high", "colour": "red"}, TYPES))
    assert [rule.field for rule in broken] == ["attributes.subject", "attributes.price", "attributes.colour"]
    assert "price, subject" in broken[2].detail
