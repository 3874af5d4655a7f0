"""Generated part of docs/events.md: rules, and every type of event with its fields and an example, from the schema."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from cli.docs.dataset import BEGIN, END
from domain import rules
from domain.events.events import Event
from domain.events.examples import TYPES, example
from domain.rules import TextRule
from domain.schema import SESSIONS, TUTORS

_SIZES: Mapping[str, str] = {
    "maxLength": "of at most {} characters",
    "minimum": "from {:g}",
    "maximum": "to {:g}",
}
_KINDS: Mapping[tuple[str, str | None], str] = {
    ("string", "date-time"): "moment",
    ("string", None): "text",
    ("number", None): "number",
    ("object", None): "object of texts and numbers",
}
_TEXTS: Mapping[str, TextRule] = {
    "`tutor_id`": rules.ADDRESS_ID,
    "other ids": rules.ID,
    "`name`, `email`, names of attributes": rules.NAME,
    "`reason_text`": rules.REASON,
    "`text` of a transcript": rules.FREE_TEXT,
    "values of categorical attributes": rules.ATTRIBUTE_TEXT,
}
_DERIVED = ("scheduled_at",)
"""Fields of a kind that are not part of events."""


def events_page(page: Path) -> str:
    """Returns the page with its generated part filled in and everything around it unchanged."""
    before, _, rest = page.read_text().partition(BEGIN)
    return f"{before}{BEGIN}\n" + "\n".join(_lines()) + f"\n{END}{rest.partition(END)[2]}"


def _lines() -> Iterator[str]:
    yield from _rules()
    models = _models()
    for kind in TYPES:
        model = models[kind]
        data = model.model_fields["data"].annotation
        assert isinstance(data, type)
        assert issubclass(data, BaseModel)
        yield from ("", f"### `{kind}`", "", _description(data), "")
        yield from ("| field of `data` | type | |", "|---|---|---|", *_fields(data))
        yield from ("", "```json", json.dumps({"id": "evt-1", **example(kind)}, indent=2), "```")


def _rules() -> Iterator[str]:
    """Yields the rules of all fields, from the declarations that check them."""
    yield from ("", "### Rules", "", "A 422 names every field that breaks a rule.", "")
    yield from ("| value | rule |", "|---|---|")
    for fields, rule in _TEXTS.items():
        length = f"at most {rule.longest:,} characters; " if rule.longest else ""
        refused = f"; not {' or '.join(f'`{value}`' for value in rule.refused)}; not blank" if rule.refused else ""
        yield f"| {fields} | {length}{rule.detail}{refused} |"
    yield f"| moments | ISO 8601 text with an offset; {rules.OUT_OF_YEARS}; never a number |"
    yield f"| `rating` | a number; {rules.RATING.sentence} |"
    yield f"| `late_minutes`, `duration_minutes` | a number; {rules.MINUTES.sentence} |"
    yield f"| `timezone` | {rules.UNKNOWN_ZONE.removeprefix('is not a time zone: ')} |"
    yield "| numeric attributes | a number; categorical ones: a text. Attributes never imported are ignored |"
    for kind in (SESSIONS, TUTORS):
        for earlier, later in kind.ordered:
            if later not in _DERIVED:
                yield f"| `{later}` | not before `{earlier}` |"
    early = int(rules.EARLY_OUTCOME.total_seconds() / 60)
    outcomes = "`session.completed` and `session.no_show`"
    yield f"| `timestamp` of {outcomes} | not more than {early} minutes before `starts_at`; a cancellation may be |"
    yield "| `timestamp`, `booked_at` | not more than five minutes in the future |"
    yield "| `booked_at` | may lie after `starts_at`: walk-ins, instant sessions, sessions entered later |"


def _models() -> dict[str, type[BaseModel]]:
    """Returns the pydantic model of each type of event."""
    union = get_args(Event)[0]
    members = [model for member in get_args(union) for model in (get_args(member) or (member,))]
    return {get_args(model.model_fields["type"].annotation)[0]: model for model in members}


def _description(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").split())


def _fields(model: type[BaseModel]) -> Iterator[str]:
    schema = model.model_json_schema()
    for name, field in schema["properties"].items():
        needed = "required" if name in schema.get("required", ()) else ""
        yield f"| `{name}` | {_meaning(field, schema.get('$defs', {}))} | {needed} |"


def _meaning(field: Mapping[str, Any], defined: Mapping[str, Any]) -> str:
    # The types of a nullable field other than null.
    options = [option for option in field.get("anyOf", [field]) if option.get("type") != "null"]
    return " or ".join(_words(defined[o["$ref"].rpartition("/")[2]] if "$ref" in o else o) for o in options)


def _words(field: Mapping[str, Any]) -> str:
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    sizes = [words.format(field[key]) for key, words in _SIZES.items() if key in field]
    return " ".join([_KINDS[field["type"], field.get("format")], *sizes])
