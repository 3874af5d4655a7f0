"""Lines of a log that report an error: Python's, Prefect's, BentoML's and PostgreSQL's."""

import re
from collections.abc import Iterable
from pathlib import Path

_ERROR = re.compile(
    r"\b(?:ERROR|CRITICAL)\b"  # a level in Python's, Prefect's and BentoML's lines
    r"|^Traceback \(most recent call last\)"
    r"|\] (?:ERROR|FATAL|PANIC): "  # PostgreSQL's server.log
)


def error_lines(lines: Iterable[str]) -> list[str]:
    """The lines that report an error."""
    return [line for line in lines if _ERROR.search(line.lstrip(" |"))]


def errors_in(*folders: Path) -> dict[str, list[str]]:
    """The error lines of every log below some folders, by the name of the file; files without any are left out."""
    logs = [file for folder in folders for file in sorted(folder.rglob("*.log"))]
    found = {file.name: error_lines(file.read_text(errors="replace").splitlines()) for file in logs}
    return {name: lines for name, lines in found.items() if lines}
