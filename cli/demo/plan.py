"""Preparation of a demo: sizes, expected durations, disk space, and the question before data is deleted."""

import shutil
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from cli.demo.home import AHEAD, DemoHome, Progress, Size
from cli.steps import in_minutes
from domain.errors import InvalidSettings, NotEnoughData

START = "Start PostgreSQL and Prefect"
SIMULATE = "Simulate a marketplace"
CONTINUE = "Continue the marketplace up to now"
LOAD = "Check and load it"
NEWS = "Load new data"
FEATURES = "Build features"
TRAIN = "Train and register both models"
SCORE = "Score tutors and upcoming sessions"
CONTACTS = "Plan the contacts for tomorrow's sessions"
MONITOR = "Check for drift and mail the report"
SERVE = "Start API, dashboard, MLflow and schedules"

FULL = Size()
_FIXED = {START: 8.0, CONTACTS: 3.0, MONITOR: 30.0, SERVE: 45.0}
_FULL_SIZE = {SIMULATE: 12.0, CONTINUE: 3.0, LOAD: 40.0, NEWS: 10.0, FEATURES: 10.0, TRAIN: 170.0,
              SCORE: 25.0}  # fmt: skip
"""Estimated seconds on two cores: independent of size, and at 3,000 sessions a day for 180 days."""

FULL_SIZE_MB, LEAST_MB = 1500.0, 300.0
"""Disk space in MB of the demo's folder at full size, and of the smallest demo."""

MISSED_SHARE = 0.015
LEAST_NO_SHOWS = 250
"""Share of sessions that tutors miss, and number of missed sessions that training and testing need together."""


@dataclass(frozen=True)
class Wish:
    """Size options of `tqs demo`; None for an omitted option."""

    tutors: int | None
    days: int | None
    sessions_per_day: int | None

    def size(self, known: Size) -> Size:
        """Requested size; omitted options are taken from `known`."""
        chosen = {name: value for name, value in vars(self).items() if value is not None}
        return replace(known, **chosen)


def first_progress(wish: Wish, seed: int, now: datetime) -> Progress:
    """Progress of a demo that starts now. Raises NotEnoughData for a market too small to train on."""
    size = wish.size(FULL)
    check_size(size)
    return Progress(size, seed, now.replace(minute=0, second=0, microsecond=0) + AHEAD)


def check_size(size: Size) -> None:
    """Raise NotEnoughData if a market of this size has too few missed sessions to train on."""
    expected = round(size.sessions * MISSED_SHARE)
    if expected < LEAST_NO_SHOWS:
        raise NotEnoughData(
            f"{size.days} days of {size.sessions_per_day} sessions contain about {expected} missed sessions; training "
            f"needs at least {LEAST_NO_SHOWS}. Increase --days or --sessions-per-day."
        )


def check_same_size(wish: Wish, progress: Progress) -> None:
    """Raise InvalidSettings if options request a different size than the demo has."""
    if wish.size(progress.size) != progress.size:
        has = progress.size
        raise InvalidSettings(
            f"The existing demo has --tutors {has.tutors} --days {has.days} --sessions-per-day "
            f"{has.sessions_per_day}. Omit these options to keep it, or add --fresh to start over."
        )


def check_disk(home: Path, size: Size) -> None:
    """Raise InvalidSettings if the disk has too little space for a new demo of this size."""
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    free, needed = shutil.disk_usage(existing).free / 1e6, megabytes(size)
    if free < needed:
        raise InvalidSettings(
            f"The demo needs about {needed:,.0f} MB; the disk of {existing} has {free:,.0f} MB free. "
            "Free up space, or set TQS_DATA_DIR to a folder on another disk."
        )


def megabytes(size: Size) -> float:
    """Disk space in MB that a demo of this size needs."""
    return max(FULL_SIZE_MB * size.sessions / FULL.sessions, LEAST_MB)


def expected_seconds(progress: Progress) -> dict[str, float]:
    """Expected seconds of each step: as in the last run, otherwise estimated from the size."""
    share = progress.size.sessions / FULL.sessions
    return _FIXED | {name: seconds * share for name, seconds in _FULL_SIZE.items()} | progress.seconds


def total_seconds(progress: Progress, is_new: bool, serves: bool) -> float:
    """Expected seconds of a whole start."""
    steps = {START, FEATURES, SCORE, CONTACTS, MONITOR} | ({SERVE} if serves else set())
    steps |= {SIMULATE, LOAD, TRAIN} if is_new else {CONTINUE, NEWS}
    return sum(seconds for name, seconds in expected_seconds(progress).items() if name in steps)


def introduction(home: DemoHome, progress: Progress, serves: bool) -> str:
    """Introduction of a start: state of the folder, steps to come, expected duration."""
    is_new = not progress.finished
    takes = f"about {in_minutes(total_seconds(progress, is_new, serves))} on two cores"
    if progress.finished:
        until = progress.loaded_until or progress.market_end
        return (
            f"Found the demo in {home.path}, up to {until:%Y-%m-%d %H:%M} UTC. It continues there with its tutors, "
            f"models, runs and keys: {takes}. FRESH=1 (`tqs demo --fresh`) starts over."
        )
    disk = f"{megabytes(progress.size) / 1000:.1f} GB"
    if (home.path / "demo.json").exists():
        return f"An earlier start in {home.path} was interrupted {_where(home, progress)}. It continues there: {takes}."
    return f"A new demo in {home.path}: {takes}, and about {disk} of disk."


def _where(home: DemoHome, progress: Progress) -> str:
    if progress.loaded_until:
        return "after the data was loaded"
    return "before the data was loaded" if home.market.exists() else "before the marketplace was simulated"


def confirm_deletion(home: DemoHome, yes: bool) -> None:
    """Confirm the deletion of the demo's data. Raises InvalidSettings without a terminal, SystemExit on no."""
    size = f"{home.megabytes():,.0f} MB"
    what = f"the demo's marketplace, scores, models, runs, mails and API keys in {home.path} ({size})"
    if yes:
        print(f"Deleting {what}.", flush=True)
        return
    if not sys.stdin.isatty():
        raise InvalidSettings(f"Nothing was deleted. To delete {what}, use FRESH=yes (`tqs demo --fresh --yes`).")
    print(f"This deletes {what}. Passwords are kept.", flush=True)
    if input("Delete and start over? [y/N] ").strip().lower() not in {"y", "yes"}:
        raise SystemExit("Nothing was deleted.")


def utc_minute() -> datetime:
    """Current time, to the minute."""
    return datetime.now(UTC).replace(second=0, microsecond=0)
