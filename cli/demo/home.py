"""Folder of the demo: how far its marketplace has come, and the lock that keeps two demos out of one folder."""

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
"""How far beyond its first start a marketplace is simulated, so that later starts can continue it."""

DELETED = ("market", "dataset", "news", "features", "logs", "mails", "mlflow", "prefect", "reports", PROGRESS_FILE)
"""Folders and files that a fresh start deletes, beside the databases. Passwords, key files and the port stay."""


@dataclass(frozen=True)
class Size:
    """Size of the simulated marketplace."""

    tutors: int = 1200
    days: int = 180
    sessions_per_day: int = 3000

    @property
    def sessions(self) -> int:
        """Sessions of the history, about."""
        return self.days * self.sessions_per_day


@dataclass(frozen=True)
class Progress:
    """Progress of a demo: its size and seed, the last moment simulated, the moment loaded up to, if any.

    `finished` once a start reached the ranked list; `seconds` by step, of the last time each was done.
    """

    size: Size
    seed: int
    market_end: datetime
    loaded_until: datetime | None = None
    finished: bool = False
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class DemoHome:
    """The folder `demo` in a data folder."""

    path: Path

    @property
    def market(self) -> Path:
        """The whole simulated marketplace, future included. It appears at once, complete."""
        return self.path / "market"

    def progress(self) -> Progress | None:
        """How far earlier starts came; None before the first, or where the file cannot be read."""
        try:
            found = json.loads((self.path / PROGRESS_FILE).read_text())
            until = found.pop("loaded_until")
            return Progress(
                **found
                | {
                    "size": Size(**found["size"]),
                    "market_end": datetime.fromisoformat(found["market_end"]),
                    "loaded_until": datetime.fromisoformat(until) if until else None,
                }
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def keep(self, progress: Progress) -> Progress:
        """Write down how far the demo has come."""
        until = progress.loaded_until
        moments = {"market_end": progress.market_end.isoformat(), "loaded_until": until and until.isoformat()}
        target = self.path / PROGRESS_FILE
        target.with_suffix(".new").write_text(json.dumps(asdict(progress) | moments))
        target.with_suffix(".new").replace(target)
        return progress

    def keep_seconds(self, progress: Progress, seconds: dict[str, float]) -> Progress:
        """Write down what the steps took, beside what others took before."""
        return self.keep(replace(progress, seconds=progress.seconds | seconds))

    def delete_files(self) -> None:
        """Delete what a demo made, apart from the databases, passwords and keys."""
        for name in DELETED:
            path = self.path / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other demos out of the folder. Raises InvalidSettings where one runs."""
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
        found = 0
        for folder, _, names in os.walk(self.path, followlinks=True):
            for name in names:
                try:
                    found += os.lstat(os.path.join(folder, name)).st_blocks * 512
                except FileNotFoundError:
                    continue  # PostgreSQL removes files while we count
        return found / 1e6
