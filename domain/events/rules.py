"""Rules between the fields of one event, which need nothing that is stored."""

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
    """A field of an event, as a path below the event, and what is wrong with it."""

    field: str
    detail: str


def broken_rules(event: Event) -> Iterator[BrokenRule]:
    """All rules between its fields that an event breaks."""
    if isinstance(event.data, SessionState):
        yield from _out_of_order(event.data, SESSIONS)
    elif isinstance(event.data, Tutor):
        yield from _out_of_order(event.data, TUTORS)
    if isinstance(event, SessionCompleted | SessionNoShow) and is_before_start(event.timestamp, event.data.starts_at):
        yield BrokenRule("timestamp", OUTCOME_TOO_EARLY)


def wrong_attributes(event: Event, types: Mapping[str, AttributeType]) -> Iterator[BrokenRule]:
    """Attributes of a session whose values do not have the type that was declared for them."""
    if isinstance(event.data, SessionState):
        for name, value in event.data.attributes.items():
            wanted = types.get(name)
            if wanted and value is not None and isinstance(value, str) is (wanted is AttributeType.NUMERIC):
                yield BrokenRule(f"data.attributes.{name}", _OTHER_TYPE[wanted])


def _out_of_order(data: SessionState | Tutor, kind: Kind) -> Iterator[BrokenRule]:
    for earlier, later in kind.ordered:
        first, second = getattr(data, earlier, None), getattr(data, later, None)
        if first is not None and second is not None and second < first:
            yield BrokenRule(f"data.{later}", f"lies before {earlier}")


def check_event(event: Event) -> None:
    """Return if the fields of an event agree. Raises InvalidEvent naming each field that does not."""
    found = [f"{rule.field} {rule.detail}" for rule in broken_rules(event)]
    if found:
        raise InvalidEvent("; ".join(found))
