from typing import Any

import pytest
from sqlalchemy import Engine

from domain.events.examples import example
from tests.lib.event_parts import rails


@pytest.mark.parametrize(
    ("changed", "data", "named"),
    [
        ({}, {"rating": True}, "data.rating"),
        ({}, {"rating": "5"}, "data.rating"),
        ({}, {"late_minutes": "4"}, "data.late_minutes"),
        ({}, {"starts_at": 1795449600}, "data.starts_at"),
        ({}, {"starts_at": "1795449600"}, "data.starts_at"),
        ({"timestamp": 1795449600.5}, {}, "timestamp"),
        ({"timestamp": "2026-11-23T15:44:59Z"}, {}, "timestamp"),
        ({}, {"booked_at": "2026-11-23T17:07:00Z"}, "data.booked_at"),
    ],
)
def test_numbers_and_moments_are_strict_and_an_outcome_follows_its_start(
    engine: Engine, changed: dict[str, Any], data: dict[str, Any], named: str
) -> None:
    event = example("session.completed")
    with rails(engine) as sender:
        answer = sender.send_event(event | changed | {"data": event["data"] | data})
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [named])
