"""The language of the code: docstrings begin with a noun phrase or a verb."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lib.paths import ROOT

ROOMS = (
    "cli", "domain", "features", "flows", "gateways", "importing", "insights", "jobs", "models", "monitoring",
    "quality", "serving", "simulator", "store", "tests", "ui",
)  # fmt: skip
RIDDLE = re.compile(r"(The same|What|Who|Whoever|Whom|How|Where|Of|From .* to) ")
"""Beginnings that make a reader guess the subject (docs/contributing.md, "The language")."""


def _docstrings(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield getattr(node, "lineno", 1), text


@pytest.mark.parametrize("room", ROOMS)
def test_no_docstring_begins_with_a_riddle(room: str) -> None:
    riddles = [
        f"{path.relative_to(ROOT)}:{line}: {text.splitlines()[0]}"
        for path in sorted((ROOT / room).rglob("*.py"))
        for line, text in _docstrings(path)
        if RIDDLE.match(text)
    ]
    assert not riddles, "say what it is or does, subject first:\n" + "\n".join(riddles)
