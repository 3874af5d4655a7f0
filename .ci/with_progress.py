"""Runner of a long command: its own display in a terminal, otherwise one progress line every ten seconds.

`with_progress.py TITLE EXPECTED_SECONDS COMMAND …`. The Makefile uses it before any package is installed.
"""

import subprocess
import sys
import threading
import time

LINE_SECONDS = 10


def main() -> int:
    """Run the command and return its exit code."""
    title, expected, *command = sys.argv[1:]
    print(f"{title} … (about {expected} s)", flush=True)
    began, done = time.monotonic(), threading.Event()
    if not sys.stdout.isatty():
        threading.Thread(target=_print_lines, args=(title, expected, began, done), daemon=True).start()
    try:
        code = subprocess.run(command, check=False).returncode
    except KeyboardInterrupt:
        return 130
    finally:
        done.set()
    if code == 0:
        print(f"✓ {title} ({time.monotonic() - began:.1f} s)", flush=True)
    return code


def _print_lines(title: str, expected: str, began: float, done: threading.Event) -> None:
    while not done.wait(LINE_SECONDS):
        print(f"{title} … {time.monotonic() - began:.0f} s of about {expected} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
