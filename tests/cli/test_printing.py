"""Values printed by commands: unchanged, and without effect on the terminal."""

import io

import pytest
from rich.console import Console
from rich.table import Table

from cli.printing import add_rows, cell, shown
from cli.steps import console


@pytest.mark.parametrize("name", ["[/bold]", "[red]Ann[/red]", ":smile:", "[link=x]y", "عمر"])
def test_a_name_that_looks_like_markup_is_printed_as_it_is(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    console().print(add_rows(Table("Tutor", "Id"), [(cell(name, ("T1", "dim")), name)]))
    console().print(name)
    printed = capsys.readouterr().out
    assert printed.count(name) == 3


@pytest.mark.parametrize(
    ("value", "expected"),
    [("a\x1b[2Jb", "a\\x1b[2Jb"), ("a\x9bb", "a\\x9bb"), ("\u202eevil", "\\u202eevil"), ("two\nlines", "two\nlines")],
)
def test_characters_that_a_terminal_obeys_are_shown_as_escapes(value: str, expected: str) -> None:
    assert shown(value) == expected
    out = io.StringIO()
    Console(file=out, force_terminal=True, width=80).print(cell(value))
    assert "\x1b[2J" not in out.getvalue()


def test_very_long_values_are_cut() -> None:
    assert len(shown("x" * 100_000)) == 2000
