"""`tqs top`: the tutors who most need help."""

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.printing import AsJson, cell, print_json
from cli.steps import console as make_console
from domain.scores import points
from domain.vocabulary import Band

if TYPE_CHECKING:
    from store.db.engine import Engine
    from store.scores.ranking import RankedTutor, Risk

COLOURS = {Band.ACT: "bold red", Band.WATCH: "yellow", Band.OK: "green"}


def top(
    limit: Annotated[int, typer.Option(help="How many tutors.", min=1)] = 15,
    as_json: AsJson = False,
) -> None:
    """Print the tutors who most need help: scores 0 to 100, why, and what to do."""
    from jobs.runtime import open_runtime
    from store.scores.ranking import ranked_tutors

    with open_runtime(os.environ) as runtime:
        if as_json:
            print_json({"tutors": [_as_json(tutor) for tutor in ranked_tutors(runtime.engine, limit=limit)]})
        else:
            print_top(runtime.engine, make_console(), limit)


def print_top(engine: "Engine", console: Console, limit: int) -> None:
    """The ranked list as a table; a sentence where nobody has been scored."""
    from store.scores.ranking import ranked_tutors

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


def _as_json(tutor: "RankedTutor") -> dict[str, Any]:
    return {
        **asdict(tutor),
        "band": tutor.band,
        "reasons": [reason.model_dump() for reason in tutor.reasons],
        "as_of": tutor.as_of.isoformat(),
    }


def _cells(tutor: "RankedTutor") -> tuple[Text, ...]:
    colour = COLOURS[tutor.band]
    return (
        cell(tutor.name or tutor.tutor_id, (tutor.tutor_id, "dim")),
        cell((points(tutor.help.value), colour), (tutor.band, colour)),
        _risk(tutor.no_show_14d),
        _risk(tutor.churn_30d),
        cell(*(f"• {reason.text}" for reason in tutor.reasons)),
        cell(tutor.action or ""),
    )


def _risk(risk: "Risk | None") -> Text:
    if risk is None:
        return cell("–")
    return cell(points(risk.value), (f"{points(risk.low)}–{points(risk.high)}", "dim"))
