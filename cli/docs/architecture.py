"""Generated parts of docs/architecture.md, and the index of decisions."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from cli.docs import project
from cli.docs.parts import filled

_DECISION = re.compile(r"# (\d+)\. (.+)\n\nDate: (\d{4}-\d\d-\d\d)\nStatus: (.+)\n\n")


def architecture_page(page: Path) -> str:
    """Returns the page with its generated parts filled in and everything around them unchanged."""
    return filled(page, _PARTS)


def decisions_page(folder: Path) -> str:
    """Returns the index of the decision records in a folder. Raises ValueError for a malformed one."""
    lines = [
        "# Decisions",
        "",
        "Each record has a number, a date and a status. A decision that no longer applies keeps its file; its status",
        "names the record that supersedes it. A new record takes the next free number; `make docs` updates this list.",
        "",
        "| | decision | date | status |",
        "|---|---|---|---|",
    ]
    return "\n".join([*lines, *(_decision_row(file) for file in sorted(folder.glob("0*.md")))]) + "\n"


def _decision_row(file: Path) -> str:
    match = _DECISION.match(file.read_text())
    if not match:
        raise ValueError(f"{file.name} must begin with '# N. Title', an empty line, 'Date: YYYY-MM-DD' and 'Status: …'")
    number, title, date, status = match.groups()
    return f"| {number} | [{title}]({file.name}) | {date} | {status} |"


def _rooms() -> Iterator[str]:
    yield from ("| room | contents |", "|---|---|")
    for room in project.rooms():
        for package in project.packages(room):
            name = f"**{package}**" if str(package) == room else str(package)
            yield f"| {name} | {project.summary(package)} |"


def _layers() -> Iterator[str]:
    yield from ("```", *(" · ".join(layer) for layer in project.layers()), "```")


_PARTS: Mapping[str, Callable[[], Iterator[str]]] = {"rooms": _rooms, "layers": _layers}
