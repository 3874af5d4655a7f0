"""Pydantic types for fields of events and request bodies; they enforce the rules of `domain.rules`."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints
from pydantic.fields import FieldInfo

from domain import rules
from domain.rules import Range, TextRule
from domain.time_zones import is_time_zone

NO_MOMENT = "must be a timestamp such as 2026-11-22T16:00:00+01:00"
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:\D|$)")


def _keeps(rule: TextRule) -> AfterValidator:
    def check(text: str) -> str:
        problem = rule.problem(text)
        if problem is not None:
            raise ValueError(problem)
        return text

    return AfterValidator(check)


def _length(rule: TextRule) -> StringConstraints:
    return StringConstraints(min_length=rule.shortest or None, max_length=rule.longest)


def _pattern(rule: TextRule) -> FieldInfo:
    info: FieldInfo = Field(json_schema_extra={"pattern": rule.pattern})
    return info


def _within(within: Range) -> FieldInfo:
    # Strict: neither `true` nor "5" is a number.
    info: FieldInfo = Field(strict=True, ge=within.low, le=within.high, allow_inf_nan=False)
    return info


def _iso(moment: Any) -> Any:
    # pydantic would read numbers, and texts of digits, as seconds since 1970.
    if isinstance(moment, datetime) or (isinstance(moment, str) and _ISO.match(moment)):
        return moment
    raise ValueError(NO_MOMENT)


def _in_our_time(moment: datetime) -> datetime:
    if not rules.is_in_our_time(moment):
        raise ValueError(rules.OUT_OF_YEARS)
    return moment.astimezone(UTC)  # PostgreSQL reads no offset of 16 hours or more


def _known_zone(name: str) -> str:
    if not is_time_zone(name):
        raise ValueError(rules.UNKNOWN_ZONE)
    return name


Id = Annotated[str, _length(rules.ID), _keeps(rules.ID), _pattern(rules.ID)]
PathId = Annotated[str, _length(rules.ADDRESS_ID), _keeps(rules.ADDRESS_ID), _pattern(rules.ADDRESS_ID)]
"""An id that is part of an address, such as `/api/tutors/{tutor_id}/scores`."""

Name = Annotated[str, _length(rules.NAME), _keeps(rules.NAME)]
Reason = Annotated[str, _length(rules.REASON), _keeps(rules.REASON)]
Text = Annotated[str, _length(rules.FREE_TEXT), _keeps(rules.FREE_TEXT)]
Zone = Annotated[str, StringConstraints(min_length=1), AfterValidator(_known_zone)]
Moment = Annotated[AwareDatetime, AfterValidator(_in_our_time), BeforeValidator(_iso)]
Minutes = Annotated[float, _within(rules.MINUTES)]
Rating = Annotated[float, _within(rules.RATING)]
AttributeValue = (
    Annotated[float, Field(strict=True, allow_inf_nan=False)]
    | Annotated[str, Field(strict=True, max_length=rules.ATTRIBUTE_TEXT.longest), _keeps(rules.ATTRIBUTE_TEXT)]
    | None
)
