"""Validation messages by pydantic error type."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

_MOMENT = "must be a timestamp such as 2026-11-22T16:00:00+01:00"
_DAY = "must be a date such as 2026-11-22"
_WHOLE, _NUMBER, _BOOLEAN = "must be a whole number", "must be a number", "must be true or false"
_OBJECT, _LIST = "must be an object, {...}", "must be a list, [...]"

_SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "missing": "is required",
        "extra_forbidden": "is not a known field",
        "timezone_aware": "must have a UTC offset, such as Z or +01:00",
        **dict.fromkeys(("datetime_type", "datetime_parsing", "datetime_from_date_parsing"), _MOMENT),
        "datetime_object_invalid": _MOMENT,
        **dict.fromkeys(("date_type", "date_parsing", "date_from_datetime_parsing"), _DAY),
        "date_from_datetime_inexact": _DAY,
        **dict.fromkeys(("int_type", "int_parsing", "int_parsing_size", "int_from_float"), _WHOLE),
        **dict.fromkeys(("float_type", "float_parsing"), _NUMBER),
        "finite_number": "must be a finite number",
        **dict.fromkeys(("bool_type", "bool_parsing"), _BOOLEAN),
        **dict.fromkeys(("model_type", "model_attributes_type", "dict_type", "mapping_type"), _OBJECT),
        **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), _LIST),
        "string_type": "must be a string",
        "string_unicode": "must be a string in UTF-8",
    }
)
_WITH_LIMIT: Mapping[str, str] = MappingProxyType(
    {
        "string_too_short": "must have at least {min_length} characters",
        "string_too_long": "must have at most {max_length} characters",
        "too_short": "must have at least {min_length} items",
        "too_long": "must have at most {max_length} items",
        "greater_than": "must be greater than {gt:g}",
        "greater_than_equal": "must be at least {ge:g}",
        "less_than": "must be less than {lt:g}",
        "less_than_equal": "must be at most {le:g}",
        "enum": "must be {expected}",
        "literal_error": "must be {expected}",
        "string_pattern_mismatch": "must match the pattern {pattern}",
    }
)
"""Messages with a limit of the schema. None contains the value that was sent."""


def validation_message(error: Mapping[str, Any]) -> str:
    """The message for one of pydantic's errors. Messages of our own validators are kept."""
    kind, limits = error["type"], error.get("ctx", {})
    if kind == "string_too_short" and limits["min_length"] == 1:
        return "must not be empty"
    if kind in _WITH_LIMIT:
        return _WITH_LIMIT[kind].format_map(limits)
    message: str = error["msg"]
    return _SENTENCES.get(kind) or message.removeprefix("Value error, ")


def without_key_mark(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """The path of a field without the "[key]" that pydantic appends if the field's name itself is invalid."""
    return location[:-1] if location[-1:] == ("[key]",) else location
