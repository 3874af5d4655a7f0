"""Folder of the demo: progress of its marketplace, and the lock against a second demo."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from domain.errors import InvalidSettings
from gateways.private_files import make_data_dir

PROGRESS_FILE = "demo.json"
AHEAD = timedelta(days=91)
"""Time beyond its first start for which a marketplace is simulated, so that later starts can continue it."""

DELETED = ("market", "dataset", "news", "features", "logs", "mails", "mlflow", "prefect", "reports", PROGRESS_FILE)
"""Folders and files that a fresh start deletes, besides the databases. Passwords, key files and the port are kept."""


@dataclass(frozen=True)
class Size:
    """Size of the simulated marketplace."""

    tutors: int = 1200
    days: int = 180
    sessions_per_day: int = 3000

    @property
    def sessions(self) -> int:
        """Approximate number of sessions in the history."""
        return self.days * self.sessions_per_day


@dataclass(frozen=True)
class Progress:
    """Progress of a demo: size and seed, end of the simulation, end of the loaded data, if any.

    `finished` is set once a start has reached the ranked list; `seconds` holds the last duration of each step.
    """

    size: Size
    seed: int
    market_end: datetime
    loaded_until: datetime | None = None
    finished: bool = False
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class DemoHome:
    """The folder `demo` inside a data folder."""

    path: Path

    @property
    def market(self) -> Path:
        """Folder of the whole simulated marketplace, future included. It is created atomically."""
        return self.path / "market"

    def progress(self) -> Progress | None:
        """Progress of earlier starts; None before the first one, or if the file cannot be read."""
        try:
            stored = json.loads((self.path / PROGRESS_FILE).read_text())
            until = stored.pop("loaded_until")
            return Progress(
                **stored
                | {
                    "size": Size(**stored["size"]),
                    "market_end": datetime.fromisoformat(stored["market_end"]),
                    "loaded_until": datetime.fromisoformat(until) if until else None,
                }
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def keep(self, progress: Progress) -> Progress:
        """Store the progress of the demo."""
        until = progress.loaded_until
        moments = {"market_end": progress.market_end.isoformat(), "loaded_until": until and until.isoformat()}
        target = self.path / PROGRESS_FILE
        target.with_suffix(".new").write_text(json.dumps(asdict(progress) | moments))
        target.with_suffix(".new").replace(target)
        return progress

    def keep_seconds(self, progress: Progress, seconds: dict[str, float]) -> Progress:
        """Store the durations of the steps, in addition to earlier ones."""
        return self.keep(replace(progress, seconds=progress.seconds | seconds))

    def delete_files(self) -> None:
        """Delete the files of a demo, except databases, passwords and keys."""
        for name in DELETED:
            path = self.path / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the folder against other demos. Raises InvalidSettings if one is running."""
        make_data_dir(self.path)
        lock = os.open(self.path / "demo.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InvalidSettings(
                    f"A demo already runs in {self.path}. Stop it with Ctrl-C in its terminal, or set TQS_DATA_DIR."
                ) from None
            yield
        finally:
            os.close(lock)

    def megabytes(self) -> float:
        """Size of the folder on disk, the database included, in MB."""
        size = 0
        for folder, _, names in os.walk(self.path, followlinks=True):
            for name in names:
                try:
                    size += os.lstat(os.path.join(folder, name)).st_blocks * 512
                except FileNotFoundError:
                    continue  # PostgreSQL removes files during the count
        return size / 1e6
