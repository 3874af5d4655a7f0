"""Error lines in logs of Python, Prefect, BentoML and PostgreSQL."""

import re
from collections.abc import Iterable
from pathlib import Path

_ERROR = re.compile(
    r"\b(?:ERROR|CRITICAL)\b"  # log level in lines of Python, Prefect and BentoML
    r"|^Traceback \(most recent call last\)"
    r"|\] (?:ERROR|FATAL|PANIC): "  # PostgreSQL's server.log
)


def error_lines(lines: Iterable[str]) -> list[str]:
    """Lines that report an error."""
    return [line for line in lines if _ERROR.search(line.lstrip(" |"))]


def errors_in(*folders: Path) -> dict[str, list[str]]:
    """Error lines of every log below some folders, by file name; files without error lines are omitted."""
    logs = [file for folder in folders for file in sorted(folder.rglob("*.log"))]
    by_file = {file.name: error_lines(file.read_text(errors="replace").splitlines()) for file in logs}
    return {name: lines for name, lines in by_file.items() if lines}
