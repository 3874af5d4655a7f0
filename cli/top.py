"""`tqs top`: the tutors who most need help."""

import os
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.steps import console as make_console
from domain.scores import points
from domain.vocabulary import Band

if TYPE_CHECKING:
    from store.database import Engine
    from store.views import RankedTutor, Risk

COLOURS = {Band.ACT: "bold red", Band.WATCH: "yellow", Band.OK: "green"}


def top(limit: Annotated[int, typer.Option(help="How many tutors.", min=1)] = 15) -> None:
    """Print the tutors who most need help: scores 0 to 100, why, and what to do."""
    from flows.runtime import open_runtime

    with open_runtime(os.environ) as runtime:
        print_top(runtime.engine, make_console(), limit)


def print_top(engine: "Engine", console: Console, limit: int) -> None:
    """The ranked list as a table; a sentence where nobody has been scored."""
    from store.views import ranked_tutors

    tutors = ranked_tutors(engine, limit=limit)
    if not tutors:
        console.print("Nobody has been scored yet: run `tqs train`, then `tqs score`.")
        return
    title = "The tutor who most needs help" if len(tutors) == 1 else f"The {len(tutors)} tutors who most need help"
    table = Table(title=title, show_lines=True, expand=True)
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
        f"[{COLOURS[tutor.band]}]{points(tutor.help.value)}[/]\n[{COLOURS[tutor.band]}]{tutor.band}[/]",
        _risk(tutor.no_show_14d),
        _risk(tutor.churn_30d),
        why,
        tutor.action or "",
    )


def _risk(risk: "Risk | None") -> str:
    if risk is None:
        return "–"
    return f"{points(risk.value)}\n[dim]{points(risk.low)}–{points(risk.high)}[/]"
