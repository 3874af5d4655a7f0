from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.errors import InvalidEvent
from domain.events.examples import TYPES, example
from domain.events.order import read_event
from domain.events.rules import broken_rules, check_event, wrong_attributes
from domain.vocabulary import AttributeType

START = datetime(2026, 3, 2, 12, tzinfo=UTC)


def _event(kind: str, moment: datetime = START, **data: Any) -> Any:
    body = example(kind)
    return read_event({**body, "timestamp": moment.isoformat(), "data": {**body["data"], **data}})


def _at(hours: float) -> str:
    return (START + timedelta(hours=hours)).isoformat()


def test_the_examples_break_no_rule() -> None:
    for kind in TYPES:
        check_event(read_event(example(kind)))


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (_event("session.booked", booked_at=_at(-9), starts_at=_at(2), ends_at=_at(1)), "data.ends_at"),
        (_event("tutor.updated", started_at=_at(0), departed_at=_at(-1)), "data.departed_at"),
        (_event("session.completed", START - timedelta(hours=1), starts_at=_at(0), ends_at=_at(1)), "timestamp"),
    ],
)
def test_fields_that_contradict_each_other_are_named(event: Any, field: str) -> None:
    assert [rule.field for rule in broken_rules(event)] == [field]
    with pytest.raises(InvalidEvent, match=field):
        check_event(event)


def test_an_attribute_has_the_type_that_was_declared_or_none() -> None:
    types = {"price": AttributeType.NUMERIC, "area": AttributeType.CATEGORICAL}
    event = _event("session.booked", attributes={"price": "dear", "area": 3.0, "unknown": "kept"})
    assert [rule.field for rule in wrong_attributes(event, types)] == ["data.attributes.price", "data.attributes.area"]
    fine = _event("session.booked", attributes={"price": 3.0, "area": None})
    assert not list(wrong_attributes(fine, types))
