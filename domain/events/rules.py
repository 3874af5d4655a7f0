"""Rules between the fields of one event, checked without stored data."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from domain.errors import InvalidEvent
from domain.events.events import Event, SessionCompleted, SessionNoShow, SessionState, Tutor
from domain.rules import OUTCOME_TOO_EARLY, is_before_start
from domain.schema import SESSIONS, TUTORS, Kind
from domain.vocabulary import AttributeType

_OTHER_TYPE = {
    AttributeType.NUMERIC: "must be a number: this attribute was declared as numeric",
    AttributeType.CATEGORICAL: "must be a text: this attribute was declared as categorical",
}


class BrokenRule(NamedTuple):
    """Path of a field within an event, and the rule it breaks."""

    field: str
    detail: str


def broken_rules(event: Event) -> Iterator[BrokenRule]:
    """Rules between fields that the event breaks."""
    if isinstance(event.data, SessionState):
        yield from _out_of_order(event.data, SESSIONS)
    elif isinstance(event.data, Tutor):
        yield from _out_of_order(event.data, TUTORS)
    if isinstance(event, SessionCompleted | SessionNoShow) and is_before_start(event.timestamp, event.data.starts_at):
        yield BrokenRule("timestamp", OUTCOME_TOO_EARLY)


def wrong_attributes(event: Event, types: Mapping[str, AttributeType]) -> Iterator[BrokenRule]:
    """Session attributes whose values differ from the declared type."""
    if isinstance(event.data, SessionState):
        for name, value in event.data.attributes.items():
            wanted = types.get(name)
            if wanted and value is not None and isinstance(value, str) is (wanted is AttributeType.NUMERIC):
                yield BrokenRule(f"data.attributes.{name}", _OTHER_TYPE[wanted])


def _out_of_order(data: SessionState | Tutor, kind: Kind) -> Iterator[BrokenRule]:
    for earlier, later in kind.ordered:
        first, second = getattr(data, earlier, None), getattr(data, later, None)
        if first is not None and second is not None and second < first:
            yield BrokenRule(f"data.{later}", f"is before {earlier}")


def check_event(event: Event) -> None:
    """Check the rules between an event's fields. Raises InvalidEvent naming each field that breaks one."""
    problems = [f"{rule.field} {rule.detail}" for rule in broken_rules(event)]
    if problems:
        raise InvalidEvent("; ".join(problems))
