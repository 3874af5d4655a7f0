"""`tqs top`: the tutors who most need help."""

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.printing import AsJson, cell, print_json
from cli.steps import console as make_console
from domain.scores import Score, points
from domain.vocabulary import Band, ScoreKind

if TYPE_CHECKING:
    from datetime import datetime

    from store.db.engine import Engine
    from store.scores.tutor_list import ListedTutor

COLOURS = {Band.ACT: "bold red", Band.WATCH: "yellow", Band.OK: "green"}


def top(
    limit: Annotated[int, typer.Option(help="Number of tutors.", min=1)] = 15,
    as_json: AsJson = False,
) -> None:
    """Print the tutors who most need help: scores 0 to 100, why, and what to do."""
    from gateways.clock import utc_now
    from jobs.runtime import open_runtime
    from store.scores.tutor_list import ranked_tutors

    with open_runtime(os.environ) as runtime:
        if as_json:
            print_json({"tutors": [_as_json(tutor) for tutor in ranked_tutors(runtime.engine, utc_now(), limit)]})
        else:
            print_top(runtime.engine, make_console(), utc_now(), limit)


def print_top(engine: "Engine", console: Console, now: "datetime", limit: int) -> None:
    """Print the ranked list as a table, or a sentence if no tutor has been scored."""
    from store.scores.tutor_list import ranked_tutors

    tutors = ranked_tutors(engine, now, limit)
    if not tutors:
        console.print("No tutor has been scored yet: run `tqs train`, then `tqs score`.")
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


def _as_json(tutor: "ListedTutor") -> dict[str, Any]:
    ranked_by = tutor.scores[ScoreKind.HELP]
    return {
        "tutor_id": tutor.tutor_id,
        "name": tutor.name,
        "timezone": tutor.timezone,
        "help": _interval(ranked_by),
        "no_show_14d": _interval(tutor.no_show_14d),
        "churn_30d": _interval(tutor.churn_30d),
        "reasons": [reason.model_dump() for reason in tutor.reasons],
        "action": tutor.action,
        "model_version": ranked_by.model_version,
        "as_of": ranked_by.as_of.isoformat(),
        "act_from": ranked_by.act_from,
        "band": tutor.band,
    }


def _interval(score: Score | None) -> dict[str, float] | None:
    return {"value": score.value, "low": score.low, "high": score.high} if score else None


def _cells(tutor: "ListedTutor") -> tuple[Text, ...]:
    ranked_by = tutor.scores[ScoreKind.HELP]
    colour = COLOURS[ranked_by.band]
    return (
        cell(tutor.name or tutor.tutor_id, (tutor.tutor_id, "dim")),
        cell((points(ranked_by.value), colour), (ranked_by.band, colour)),
        _risk(tutor.no_show_14d),
        _risk(tutor.churn_30d),
        cell(*(f"• {reason.text}" for reason in tutor.reasons)),
        cell(tutor.action or ""),
    )


def _risk(score: Score | None) -> Text:
    if score is None:
        return cell("–")
    return cell(points(score.value), (f"{points(score.low)}–{points(score.high)}", "dim"))
