"""Output of commands: safe printing of values, and the option `--json`."""

import json
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

Cell = str | Text

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document; notes go to standard error.")]

_KEPT = "\n\t"
_LONGEST = 2000
"""Maximum number of characters shown of a value."""


def shown(value: object) -> str:
    """Printable text of a value: control and direction characters escaped, very long text cut."""
    text = str(value)
    if len(text) > _LONGEST:
        text = text[: _LONGEST - 1] + "…"
    if text.isprintable():
        return text
    return "".join(_escaped(character) for character in text)


def _escaped(character: str) -> str:
    if character in _KEPT or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def cell(*lines: object | tuple[object, str]) -> Text:
    """Table cell with one or more lines; a pair is a line and its style."""
    texts = [Text(shown(line[0]), line[1]) if isinstance(line, tuple) else Text(shown(line)) for line in lines]
    return Text("\n").join(texts)


def add_rows(table: Table, rows: Iterable[Sequence[object]]) -> Table:
    """Add rows to a table, every value verbatim. `Text` created by `cell` keeps its style."""
    for row in rows:
        table.add_row(*(value if isinstance(value, Text) else cell(value) for value in row))
    return table


def print_json(document: Any) -> None:
    """Print a value as one line of JSON; moments, paths and the like as text."""
    print(json.dumps(document, default=str))


@contextmanager
def notes_apart(as_json: bool) -> Iterator[None]:
    """With `--json`, redirect output of the block to standard error: standard output holds only the document."""
    if not as_json:
        yield
        return
    with redirect_stdout(sys.stderr):
        yield
