"""`tqs simulate`: a marketplace as files."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.printing import AsJson, print_json, shown

NO_SIGNAL = "Draw every outcome independently of everything."


def simulate(
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
    tutors: Annotated[int, typer.Option(help="Tutors active at a time.", min=1)] = 1200,
    days: Annotated[int, typer.Option(help="Days of history.", min=7)] = 180,
    sessions_per_day: Annotated[int, typer.Option(help="Sessions a day.", min=1)] = 3000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same marketplace.", min=0)] = 0,
    no_signal: Annotated[bool, typer.Option("--no-signal", help=NO_SIGNAL)] = False,
    end: Annotated[datetime | None, typer.Option(help="The present moment (UTC); 2026-06-30 by default.")] = None,
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
    market = run(settings)
    path = write(market, out)
    rows = {kind: table.num_rows for kind, table in market.dataset.tables.items()}
    seconds = time.monotonic() - began
    if as_json:
        print_json({"dataset": str(path), "rows": rows, "seconds": round(seconds, 1)})
    else:
        print(f"{shown(path)}: {', '.join(f'{n:,} {kind}' for kind, n in rows.items())} in {seconds:.1f} s")
