"""Handling of Ctrl-C in commands: one line and exit code 130."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130
"""Exit code of a program ended by SIGINT."""

_NATIVE_CALLBACKS = frozenset({"_next_wrapper", "_reset_wrapper"})
"""Functions called by XGBoost's C++ code, which crashes when an exception leaves one of them."""

_LATER_SECONDS = 0.05


@contextmanager
def ending_on_interrupt() -> Iterator[None]:
    """Exit the block with one line and code 130 after Ctrl-C.

    Libraries turn the interruption into errors of their own, so any error after Ctrl-C ends the program this way.
    Blocks that handle Ctrl-C themselves and end normally are unaffected, and so is an ignored SIGINT.
    """
    pressed = threading.Event()

    def interrupt(number: int, frame: FrameType | None) -> None:
        pressed.set()
        if not _in_native_callback(frame):
            raise KeyboardInterrupt
        threading.Timer(_LATER_SECONDS, os.kill, (os.getpid(), number)).start()

    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    except BaseException as error:
        if not (pressed.is_set() or isinstance(error, KeyboardInterrupt)) or _ended_normally(error):
            raise
        print("tqs: stopped by Ctrl-C", file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None
    finally:
        signal.signal(signal.SIGINT, before)


def _in_native_callback(frame: FrameType | None) -> bool:
    while frame is not None and frame.f_code.co_name not in _NATIVE_CALLBACKS:
        frame = frame.f_back
    return frame is not None


def _ended_normally(error: BaseException) -> bool:
    return isinstance(error, SystemExit) and not error.code
