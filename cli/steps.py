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
"""Output width in columns without a terminal."""

PLAIN_SECONDS = 10.0
"""Seconds between two progress lines without a terminal."""

SHORT_SECONDS = 5.0
"""Steps expected to be shorter than this are shown without an expected time."""


def console(stderr: bool = False) -> Console:
    """Console for output: the terminal, or plain lines wide enough for a table.

    Text is printed verbatim: no markup, no emoji codes, no highlighting. Style a value with `rich.text.Text`.
    """
    plain = {"markup": False, "emoji": False, "highlight": False, "stderr": stderr}
    terminal = Console(**plain)  # type: ignore[arg-type]  # all four are booleans
    return terminal if terminal.is_terminal else Console(width=PLAIN_WIDTH, **plain)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Waiting:
    """A step in progress: title, start on the monotonic clock, and expected seconds, if known."""

    title: str
    began: float
    expected: float | None = None

    def line(self) -> str:
        """Title with elapsed and expected time."""
        elapsed = time.monotonic() - self.began
        if self.expected is None or self.expected < SHORT_SECONDS:
            return f"{self.title} … {in_minutes(elapsed)}"
        late = ", longer than expected" if elapsed > 1.5 * self.expected else ""
        return f"{self.title} … {in_minutes(elapsed)} of about {in_minutes(self.expected)}{late}"

    def __rich__(self) -> Text:
        """Current line, for a live display."""
        return Text(self.line())


@contextmanager
def waiting(console: Console, title: str, expected: float | None = None) -> Iterator[None]:
    """Show elapsed and expected time during the block."""
    with _displayed(console, Waiting(title, time.monotonic(), expected)):
        yield


class CurrentStep:
    """Current step of a command that reports its steps, with the elapsed time of the step."""

    def __init__(self, title: str) -> None:
        self.begin(title)

    def begin(self, title: str) -> None:
        """Show a new step."""
        self._waiting = Waiting(title, time.monotonic())

    def line(self) -> str:
        """Step and elapsed time."""
        return self._waiting.line()

    def __rich__(self) -> Text:
        """Current line, for a live display."""
        return Text(self.line())


@contextmanager
def stages(title: str) -> Iterator[Callable[[str], None]]:
    """Show the current step on standard error during the block. Call the result when the next step begins."""
    step = CurrentStep(title)
    with _displayed(console(stderr=True), step):
        yield step.begin


class _ProgressLine(Protocol):
    def line(self) -> str: ...

    def __rich__(self) -> Text: ...


@contextmanager
def _displayed(console: Console, shown: _ProgressLine) -> Iterator[None]:
    if console.is_terminal:
        # Other output is printed above the live line, unless it is redirected to a file.
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


def _print_lines(console: Console, shown: _ProgressLine, done: threading.Event) -> None:
    while not done.wait(PLAIN_SECONDS):
        console.print(shown.line(), soft_wrap=True)


def in_minutes(seconds: float) -> str:
    """Format seconds as `34 s` or `2 min 05 s`."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02} s"


class Steps:
    """Numbered steps, each printed with its duration once it is done.

    `expected` holds expected seconds by step; `took` collects the seconds of finished steps.
    """

    def __init__(self, console: Console, total: int, expected: Mapping[str, float] | None = None) -> None:
        self._console, self._total, self._done = console, total, 0
        self._expected = expected or {}
        self.took: dict[str, float] = {}

    @contextmanager
    def step(self, what: str) -> Iterator[list[str]]:
        """Time the block. Entries appended to the list are printed after the step's name."""
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
