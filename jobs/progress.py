"""Progress of a flow that a person runs: the names of its steps, sent to whatever displays them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_DISPLAY: ContextVar[Callable[[str], None] | None] = ContextVar("_DISPLAY", default=None)


def report(step: str) -> None:
    """Send the name of a step that begins to the display, if there is one."""
    display = _DISPLAY.get()
    if display:
        display(step)


@contextmanager
def reporting_to(display: Callable[[str], None]) -> Iterator[None]:
    """Send the steps of flows to a display for the length of the block."""
    token = _DISPLAY.set(display)
    try:
        yield
    finally:
        _DISPLAY.reset(token)
