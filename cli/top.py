"""`tqs top`: the tutors who most need help."""

import os
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from domain.scores import points
from domain.vocabulary import Band

if TYPE_CHECKING:
    from store.database import Engine
    from store.scores import RankedTutor

COLOURS = {Band.ACT: "bold red", Band.WATCH: "yellow", Band.OK: "green"}


def top(limit: Annotated[int, typer.Option(help="How many tutors.", min=1)] = 15) -> None:
    """Print the tutors who most need help: scores 0 to 100, why, and what to do."""
    from gateways.postgres import database_url
    from gateways.settings import load_settings
    from store.database import make_engine, upgrade

    engine = make_engine(database_url(load_settings(os.environ)))
    upgrade(engine)
    print_top(engine, Console(), limit)


def print_top(engine: "Engine", console: Console, limit: int) -> None:
    """The ranked list as a table; a sentence where nobody has been scored."""
    from store.scores import ranked_tutors

    tutors = ranked_tutors(engine, limit=limit)
    if not tutors:
        console.print("Nobody has been scored yet: run `tqs train`, then `tqs score`.")
        return
    table = Table(title=f"The {len(tutors)} tutors who most need help", show_lines=True, expand=True)
    table.add_column("Tutor", no_wrap=True)
    for name in ("Help", "No-show\n14 days", "Leaving\n30 days"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Why", ratio=3)
    table.add_column("What to do", ratio=2)
    for tutor in tutors:
        table.add_row(*_cells(tutor))
    console.print(table)


def _cells(tutor: "RankedTutor") -> tuple[str, ...]:
    why = "\n".join(f"• {reason.text}" for reason in tutor.reasons)
    return (
        f"{tutor.name or tutor.tutor_id}\n[dim]{tutor.tutor_id}[/]",
        _points(tutor.help, tutor.band),
        _interval(tutor.no_show_14d, tutor.no_show_14d_low, tutor.no_show_14d_high),
        _interval(tutor.churn_30d, tutor.churn_30d_low, tutor.churn_30d_high),
        why,
        tutor.action or "",
    )


def _points(value: float, band: Band) -> str:
    return f"[{COLOURS[band]}]{points(value)}[/]\n[{COLOURS[band]}]{band}[/]"


def _interval(value: float | None, low: float | None, high: float | None) -> str:
    if value is None or low is None or high is None:
        return "–"
    return f"{points(value)}\n[dim]{points(low)}–{points(high)}[/]"
