"""State file of a running demo, used by other commands to find it."""

import json
import os
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

STATE_FILE = "running.json"
DEFAULT_HOME = Path(".data", "demo")
"""Folder of the demo if TQS_DATA_DIR is not set."""

_CLOCK_SLACK = 2.0
"""Tolerated difference in seconds between two readings of a process's start."""


@dataclass(frozen=True)
class Started:
    """A process: id and start (seconds since 1970), which distinguishes it from a later process with the same id."""

    pid: int
    created: float

    def is_alive(self) -> bool:
        """Whether this same process is still running."""
        import psutil

        with suppress(psutil.Error):
            process = psutil.Process(self.pid)
            return abs(process.create_time() - self.created) < _CLOCK_SLACK and process.status() != "zombie"
        return False


@dataclass(frozen=True)
class State:
    """Content of the state file: the demo's process, its services, and the environment for accessing its data."""

    demo: Started
    environ: Mapping[str, str]
    services: Mapping[str, Started] = field(default_factory=dict)


def started(pid: int) -> Started:
    """The running process with this id. Raises psutil.NoSuchProcess."""
    import psutil

    return Started(pid, psutil.Process(pid).create_time())


def read_state(home: Path) -> State | None:
    """State written by a demo, running or not; None if it is missing or cannot be read."""
    try:
        stored = json.loads((home / STATE_FILE).read_text())
        services = {name: Started(**one) for name, one in stored["services"].items()}
        return State(Started(**stored["demo"]), dict(stored["environ"]), services)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_state(home: Path, state: State) -> None:
    """Write the state file, readable by its owner only."""
    target = home / STATE_FILE
    descriptor = os.open(target.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(state), file)
    target.with_suffix(".new").replace(target)


@contextmanager
def announced(home: Path, environ: Mapping[str, str]) -> Iterator[State]:
    """Maintain the state file of this process for a `with` block."""
    state = State(started(os.getpid()), environ)
    write_state(home, state)
    try:
        yield state
    finally:
        (home / STATE_FILE).unlink(missing_ok=True)


def use_running_demo(environ: MutableMapping[str, str], home: Path = DEFAULT_HOME) -> None:
    """Point the environment to a running demo, with a note on stderr, unless it already names an installation."""
    if environ.get("DATABASE_URL") or environ.get("TQS_DATA_DIR"):
        return
    state = read_state(home)
    if state is None or not state.demo.is_alive():
        return
    for name, value in state.environ.items():
        environ.setdefault(name, value)
    print(f"Using the running demo in {home} (set TQS_DATA_DIR to choose another).", file=sys.stderr)
