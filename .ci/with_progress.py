"""Run a command that takes minutes: its own display in a terminal, a line every ten seconds elsewhere.

`with_progress.py WHAT EXPECTED_SECONDS COMMAND …`. Used by the Makefile before anything of ours is installed.
"""

import subprocess
import sys
import threading
import time

LINE_SECONDS = 10


def main() -> int:
    """Run the command and return its exit code."""
    what, expected, *command = sys.argv[1:]
    print(f"{what} … (about {expected} s)", flush=True)
    began, done = time.monotonic(), threading.Event()
    if not sys.stdout.isatty():
        threading.Thread(target=_print_lines, args=(what, expected, began, done), daemon=True).start()
    try:
        code = subprocess.run(command, check=False).returncode
    except KeyboardInterrupt:
        return 130
    finally:
        done.set()
    if code == 0:
        print(f"✓ {what} ({time.monotonic() - began:.1f} s)", flush=True)
    return code


def _print_lines(what: str, expected: str, began: float, done: threading.Event) -> None:
    while not done.wait(LINE_SECONDS):
        print(f"{what} … {time.monotonic() - began:.0f} s of about {expected} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
