"""Progress people can follow: a live line in a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

PLAIN_WIDTH = 132
"""Columns where there is no terminal that says how many it has."""


def console() -> Console:
    """The terminal; elsewhere plain lines, wide enough for a table."""
    found = Console()
    return found if found.is_terminal else Console(width=PLAIN_WIDTH)


class Steps:
    """Numbered steps, each printed with its seconds once it is done."""

    def __init__(self, console: Console, total: int) -> None:
        self._console, self._total, self._done = console, total, 0

    @contextmanager
    def step(self, what: str) -> Iterator[list[str]]:
        """Time what happens inside; what is appended to the list is printed behind the step."""
        notes: list[str] = []
        began = time.monotonic()
        title = f"{self._done + 1}/{self._total} {what}"
        if self._console.is_terminal:
            with self._console.status(title):
                yield notes
        else:
            self._console.print(f"{title} …", highlight=False)
            yield notes
        self._done += 1
        seconds = time.monotonic() - began
        tail = f": {', '.join(notes)}" if notes else ""
        self._console.print(f"[green]✓[/] {title}{tail} [dim]({seconds:.1f} s)[/]", highlight=False, soft_wrap=True)
