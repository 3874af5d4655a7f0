"""`tqs simulate`: simulated marketplace, written as files."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.printing import AsJson, print_json, shown
from domain.errors import InvalidSettings

if TYPE_CHECKING:
    from simulator.settings import MarketSettings

NO_SIGNAL = "Draw all outcomes independently of the features."
MOST_SESSIONS = 100_000_000
"""Maximum number of sessions in one run; more would exceed the memory of common machines."""

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


def simulate(
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
    tutors: Annotated[int, typer.Option(help="Tutors active at the same time.", min=1)] = 1200,
    days: Annotated[int, typer.Option(help="Days of history.", min=7)] = 180,
    sessions_per_day: Annotated[int, typer.Option(help="Sessions per day.", min=1)] = 3000,
    seed: Annotated[int, typer.Option(help="Random seed; the same seed yields the same marketplace.", min=0)] = 0,
    no_signal: Annotated[bool, typer.Option("--no-signal", help=NO_SIGNAL)] = False,
    end: Annotated[datetime | None, typer.Option(help="End of the simulation (UTC); 2026-06-30 by default.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write tutors, students, sessions, reschedules, messages, transcripts and truth as Parquet, and dataset.yaml."""
    from simulator.files import write
    from simulator.marketplace import simulate as run
    from simulator.settings import DEFAULT_END, MarketSettings

    began = time.monotonic()
    present = DEFAULT_END if end is None else end.replace(tzinfo=end.tzinfo or UTC)
    settings = MarketSettings(
        tutors=tutors, days=days, sessions_per_day=sessions_per_day, seed=seed, no_signal=no_signal, end=present
    )
    _check(settings, out)
    market = run(settings)
    try:
        path = write(market, out)
    except OSError as error:
        raise _not_writable(out, error) from error
    rows = {kind: table.num_rows for kind, table in market.dataset.tables.items()}
    seconds = time.monotonic() - began
    if as_json:
        print_json({"dataset": str(path), "rows": rows, "seconds": round(seconds, 1)})
    else:
        print(f"{shown(path)}: {', '.join(f'{n:,} {kind}' for kind, n in rows.items())} in {seconds:.1f} s")


def _check(settings: "MarketSettings", out: Path) -> None:
    """Raise InvalidSettings for a market too large or too early, or a folder that cannot be created."""
    sessions = settings.days * settings.sessions_per_day
    if sessions > MOST_SESSIONS:
        raise InvalidSettings(
            f"--days {settings.days:,} with --sessions-per-day {settings.sessions_per_day:,} are {sessions:,} "
            f"sessions; at most {MOST_SESSIONS:,} can be simulated"
        )
    if settings.end - EARLIEST < timedelta(days=settings.days):
        raise InvalidSettings(f"--days {settings.days:,} before {settings.end:%Y-%m-%d} start before 1970")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_writable(out, error) from error


def _not_writable(out: Path, error: OSError) -> InvalidSettings:
    return InvalidSettings(f"--out {out}: cannot be written ({error.strerror or error})")
