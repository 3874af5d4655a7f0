"""Generated part of docs/dataset.md: keys of the dataset file and fields of each kind."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from domain.schema import KINDS, Field, Kind
from importing.format.csv_section import CsvSpec
from importing.format.dataset_file import DEFAULT_FILLS, DatasetSpec, KindSpec
from importing.format.declarations import AttributeDeclaration
from importing.format.time_formats import NAMED

BEGIN = "<!-- generated from the code by `make docs`: begin -->"
END = "<!-- generated: end -->"


def dataset_page(page: Path) -> str:
    """Returns the page with its generated part filled in and everything around it unchanged."""
    before, _, rest = page.read_text().partition(BEGIN)
    return f"{before}{BEGIN}\n{dataset_reference()}{END}{rest.partition(END)[2]}"


def dataset_reference() -> str:
    """Returns the keys of a dataset file and the fields of each kind, as Markdown tables."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield from _keys("Keys of the dataset file", DatasetSpec)
    yield from _keys("Keys of a kind", KindSpec)
    yield from _keys("Keys of `csv`", CsvSpec)
    yield from _keys("Keys of an attribute", AttributeDeclaration)
    yield from _formats()
    for kind in KINDS.values():
        yield from _fields(kind)


def _keys(title: str, model: type[BaseModel]) -> Iterator[str]:
    yield from ("", f"### {title}", "", "| key | meaning | default |", "|---|---|---|")
    for name, field in model.model_fields.items():
        default = "required" if field.is_required() else f"`{field.default}`" if field.default else ""
        yield f"| `{name}` | {field.description} | {default} |"
    yield ""


def _formats() -> Iterator[str]:
    yield from ("", "### Formats of times that are numbers", "", "| format | meaning of the number |", "|---|---|")
    yield from (f"| `{name}` | {meaning} |" for name, meaning in NAMED.items())
    yield ""


def _fields(kind: Kind) -> Iterator[str]:
    yield from ("", f"### Fields of `{kind.name}`", "", "| field | type | meaning | |", "|---|---|---|---|")
    for field in kind.fields:
        yield f"| `{field.name}` | {_type(field)} | {field.meaning} | {'; '.join(_notes(kind, field))} |"
    yield ""
    if kind.ordered:
        yield "In order, equal allowed: " + ", ".join(f"`{a}` ≤ `{b}`" for a, b in kind.ordered) + ".\n"


def _type(field: Field) -> str:
    return "one of " + ", ".join(f"`{choice}`" for choice in field.choices) if field.choices else str(field.type)


def _notes(kind: Kind, field: Field) -> Iterator[str]:
    if field.name == kind.key:
        yield "key"
    if field.required:
        yield "required"
    if field.name in DEFAULT_FILLS[kind.name]:
        yield f"default `{DEFAULT_FILLS[kind.name][field.name]}`"
    if field.refers_to:
        yield f"one of `{field.refers_to}`"
    if field.late:
        yield "known only afterwards"
