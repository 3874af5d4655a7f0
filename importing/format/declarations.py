"""Keys about the models: attributes, the groups whose past is read, and as of when sessions are asked."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.horizons import AT_BOOKING
from domain.vocabulary import AttributeType
from domain.wording import did_you_mean
from features.base.dataset import STUDENT, Group


class AttributeDeclaration(BaseModel):
    """Declaration of an attribute, one of the customer's own columns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: AttributeType = Field(description="`numeric` or `categorical`")
    late: bool = Field(False, description="`true` for a column written after the booking: stored, but never a feature")
    known_when_asked: str = Field(
        "",
        description="reason why a column that raises a leak alarm is known at the moment of the query; it overrides "
        "the alarm and is recorded with the model",
    )

    @model_validator(mode="before")
    @classmethod
    def _long_form(cls, value: Any) -> Any:
        return {"type": value} if isinstance(value, str) else value


_BEFORE = re.compile(r"(?P<number>\d{1,4})\s*(?P<unit>day|hour|minute|d|h|m)s? before start")
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


def parse_asked(text: str) -> timedelta:
    """Time before the start as of which sessions are asked; AT_BOOKING for `at booking`. Raises ValueError."""
    if text == "at booking":
        return AT_BOOKING
    if match := _BEFORE.fullmatch(text):
        return timedelta(**{_UNITS[match["unit"][0]]: int(match["number"])})
    raise ValueError(f"`{text}` is no moment; write `at booking`, or one such as `24 hours before start`")


def declared_histories(lists: Mapping[str, Sequence[str] | None]) -> tuple[Group, ...] | None:
    """The groups named under `history` of each kind; None where no kind has the key."""
    groups = tuple(Group(kind, name) for kind, names in lists.items() for name in names or ())
    return None if all(names is None for names in lists.values()) else groups


def declaration_problems(
    kind: str, attributes: Mapping[str, AttributeDeclaration], history: Sequence[str] | None, asked: str | None
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Path of keys and error of each `asked` or `history` of a kind that cannot be used."""
    if asked is not None and kind != "sessions":
        yield (kind, "asked"), "only `sessions` are asked about; move `asked` there"
    elif asked is not None:
        try:
            parse_asked(asked)
        except ValueError as error:
            yield (kind, "asked"), str(error)
    if history is not None and kind not in ("tutors", "sessions"):
        yield (kind, "history"), "only `tutors` and `sessions` have `history`"
        return
    for number, name in enumerate(history or ()):
        if message := _history_error(kind, attributes, name):
            yield (kind, "history", number), message


def _history_error(kind: str, attributes: Mapping[str, AttributeDeclaration], name: str) -> str | None:
    if kind == "sessions" and name == STUDENT:
        return None
    attribute = attributes.get(name)
    if attribute is None:
        known = [*attributes, *([STUDENT] if kind == "sessions" else [])]
        return f"`{name}` is not an attribute of `{kind}`{did_you_mean(name, known) or '; add it under `attributes`'}"
    if attribute.late:
        return f"`{name}` is late, so no model may read its past; leave it out"
    if attribute.type is not AttributeType.CATEGORICAL:
        return f"`{name}` is numeric; a group needs values that repeat: declare it categorical"
    return None
