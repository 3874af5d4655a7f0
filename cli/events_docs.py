"""The generated part of docs/events.md: every type of event, its fields and an example, from the schema itself."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from cli.dataset_docs import BEGIN, END
from domain.event_examples import TYPES, example
from domain.events import Event

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


def events_page(page: Path) -> str:
    """The page with its generated part as the code says it now, everything around it as written."""
    before, _, rest = page.read_text().partition(BEGIN)
    return f"{before}{BEGIN}\n" + "\n".join(_lines()) + f"\n{END}{rest.partition(END)[2]}"


def _lines() -> Iterator[str]:
    models = _models()
    for kind in TYPES:
        model = models[kind]
        data = model.model_fields["data"].annotation
        assert isinstance(data, type)
        assert issubclass(data, BaseModel)
        yield from ("", f"### `{kind}`", "", _said(data), "")
        yield from ("| field of `data` | is | |", "|---|---|---|", *_fields(data))
        yield from ("", "```json", json.dumps({"id": "evt-1", **example(kind)}, indent=2), "```")


def _models() -> dict[str, type[BaseModel]]:
    """The model of each type of event."""
    union = get_args(Event)[0]
    members = [model for member in get_args(union) for model in (get_args(member) or (member,))]
    return {get_args(model.model_fields["type"].annotation)[0]: model for model in members}


def _said(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").split())


def _fields(model: type[BaseModel]) -> Iterator[str]:
    schema = model.model_json_schema()
    for name, field in schema["properties"].items():
        needed = "required" if name in schema.get("required", ()) else ""
        yield f"| `{name}` | {_meaning(field, schema.get('$defs', {}))} | {needed} |"


def _meaning(field: Mapping[str, Any], defined: Mapping[str, Any]) -> str:
    # Of what may be null, what else it may be.
    options = [option for option in field.get("anyOf", [field]) if option.get("type") != "null"]
    return " or ".join(_words(defined[o["$ref"].rpartition("/")[2]] if "$ref" in o else o) for o in options)


def _words(field: Mapping[str, Any]) -> str:
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    sizes = [words.format(field[key]) for key, words in _SIZES.items() if key in field]
    return " ".join([_KINDS[field["type"], field.get("format")], *sizes])
