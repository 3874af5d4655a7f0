"""Progress display: a live line in a terminal, a plain line every ten seconds elsewhere."""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

PLAIN_WIDTH = 132
"""Columns where there is no terminal that says how many it has."""

PLAIN_SECONDS = 10.0
"""Seconds between two progress lines where there is no terminal."""

SHORT_SECONDS = 5.0
"""Steps expected to be shorter than this are shown without an expected time."""


def console(stderr: bool = False) -> Console:
    """Console for output: the terminal, or plain lines wide enough for a table.

    Text is printed as it is: no markup, no emoji codes, no highlighting. Style a value with `rich.text.Text`.
    """
    plain = {"markup": False, "emoji": False, "highlight": False, "stderr": stderr}
    found = Console(**plain)  # type: ignore[arg-type]  # all four are booleans
    return found if found.is_terminal else Console(width=PLAIN_WIDTH, **plain)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Waiting:
    """A step in progress: its title, when it began on the monotonic clock, and its expected seconds, if known."""

    title: str
    began: float
    expected: float | None = None

    def line(self) -> str:
        """The title with the elapsed and the expected time."""
        elapsed = time.monotonic() - self.began
        if self.expected is None or self.expected < SHORT_SECONDS:
            return f"{self.title} … {in_minutes(elapsed)}"
        late = ", longer than usual" if elapsed > 1.5 * self.expected else ""
        return f"{self.title} … {in_minutes(elapsed)} of about {in_minutes(self.expected)}{late}"

    def __rich__(self) -> Text:
        """The line as of now, for a live display."""
        return Text(self.line())


@contextmanager
def waiting(console: Console, title: str, expected: float | None = None) -> Iterator[None]:
    """Show elapsed and expected time while the block runs."""
    with _displayed(console, Waiting(title, time.monotonic(), expected)):
        yield


class Stage:
    """The step in progress of a command whose steps announce themselves, with the elapsed time of that step."""

    def __init__(self, title: str) -> None:
        self.begin(title)

    def begin(self, title: str) -> None:
        """Show another step from now on."""
        self._waiting = Waiting(title, time.monotonic())

    def line(self) -> str:
        """The step and its elapsed time."""
        return self._waiting.line()

    def __rich__(self) -> Text:
        """The line as of now, for a live display."""
        return Text(self.line())


@contextmanager
def stages(title: str) -> Iterator[Callable[[str], None]]:
    """Show the step in progress on standard error while the block runs. Call the result when another step begins."""
    stage = Stage(title)
    with _displayed(console(stderr=True), stage):
        yield stage.begin


class _Line(Protocol):
    def line(self) -> str: ...

    def __rich__(self) -> Text: ...


@contextmanager
def _displayed(console: Console, shown: _Line) -> Iterator[None]:
    if console.is_terminal:
        # Lines printed meanwhile go above the live line, unless they go to a file.
        spinner, redirect = Spinner("dots", shown), sys.stdout.isatty()  # type: ignore[arg-type]
        with Live(spinner, console=console, refresh_per_second=12.5, transient=True, redirect_stdout=redirect):
            yield
        return
    done = threading.Event()
    thread = threading.Thread(target=_print_lines, args=(console, shown, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _print_lines(console: Console, shown: _Line, done: threading.Event) -> None:
    while not done.wait(PLAIN_SECONDS):
        console.print(shown.line(), soft_wrap=True)


def in_minutes(seconds: float) -> str:
    """Seconds as `34 s` or `2 min 05 s`."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02} s"


class Steps:
    """Numbered steps, each printed with its seconds once it is done.

    `expected` holds seconds by the name of a step; `took` collects the seconds of the steps that were done.
    """

    def __init__(self, console: Console, total: int, expected: Mapping[str, float] | None = None) -> None:
        self._console, self._total, self._done = console, total, 0
        self._expected = expected or {}
        self.took: dict[str, float] = {}

    @contextmanager
    def step(self, what: str) -> Iterator[list[str]]:
        """Time the block. Entries appended to the list are printed behind the step."""
        notes: list[str] = []
        began = time.monotonic()
        title, expected = f"{self._done + 1}/{self._total} {what}", self._expected.get(what)
        if not self._console.is_terminal:
            self._console.print(_announced(title, expected), soft_wrap=True)
        with waiting(self._console, title, expected):
            yield notes
        self._done += 1
        self.took[what] = seconds = time.monotonic() - began
        tail = f": {', '.join(notes)}" if notes else ""
        line = Text.assemble(("✓", "green"), f" {title}{tail} ", (f"({seconds:.1f} s)", "dim"))
        self._console.print(line, soft_wrap=True)


def _announced(title: str, expected: float | None) -> str:
    is_long = expected is not None and expected >= SHORT_SECONDS
    return f"{title} … (about {in_minutes(expected or 0)})" if is_long else f"{title} …"
