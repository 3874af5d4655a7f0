"""What is wrong with a field, in our words: one sentence for each of pydantic's types of error."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

_MOMENT = "give a moment such as 2026-11-22T16:00:00+01:00"
_DAY = "give a day such as 2026-11-22"
_WHOLE, _NUMBER, _YES_OR_NO = "give a whole number", "give a number", "give true or false"
_OBJECT, _LIST = "give an object, {...}", "give a list, [...]"

_SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "missing": "is needed",
        "extra_forbidden": "there is no such field",
        "timezone_aware": "needs an offset, such as Z or +01:00",
        **dict.fromkeys(("datetime_type", "datetime_parsing", "datetime_from_date_parsing"), _MOMENT),
        "datetime_object_invalid": _MOMENT,
        **dict.fromkeys(("date_type", "date_parsing", "date_from_datetime_parsing"), _DAY),
        "date_from_datetime_inexact": _DAY,
        **dict.fromkeys(("int_type", "int_parsing", "int_parsing_size", "int_from_float"), _WHOLE),
        **dict.fromkeys(("float_type", "float_parsing"), _NUMBER),
        "finite_number": "give a finite number",
        **dict.fromkeys(("bool_type", "bool_parsing"), _YES_OR_NO),
        **dict.fromkeys(("model_type", "model_attributes_type", "dict_type", "mapping_type"), _OBJECT),
        **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), _LIST),
        "string_type": "give a text",
        "string_unicode": "give a text in UTF-8",
    }
)
_WITH_LIMIT: Mapping[str, str] = MappingProxyType(
    {
        "string_too_short": "must have at least {min_length} characters",
        "string_too_long": "must have at most {max_length} characters",
        "too_short": "must hold at least {min_length}",
        "too_long": "must hold at most {max_length}",
        "greater_than": "must be above {gt:g}",
        "greater_than_equal": "must be {ge:g} or more",
        "less_than": "must be below {lt:g}",
        "less_than_equal": "must be {le:g} or less",
        "enum": "must be {expected}",
        "literal_error": "must be {expected}",
        "string_pattern_mismatch": "must have the form {pattern}",
    }
)
"""Those that name a limit of the schema, never what was sent."""


def in_words(found: Mapping[str, Any]) -> str:
    """What is wrong with the field of one of pydantic's errors. What our own validators say is left as it is."""
    kind, limits = found["type"], found.get("ctx", {})
    if kind == "string_too_short" and limits["min_length"] == 1:
        return "must not be empty"
    if kind in _WITH_LIMIT:
        return _WITH_LIMIT[kind].format_map(limits)
    message: str = found["msg"]
    return _SENTENCES.get(kind) or message.removeprefix("Value error, ")


def without_key_mark(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """The path of a field: where the name itself is wrong, pydantic puts "[key]" behind it."""
    return location[:-1] if location[-1:] == ("[key]",) else location
