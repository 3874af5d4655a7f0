"""`tqs upcoming`: upcoming sessions by no-show risk."""

import os
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.printing import AsJson, cell, print_json
from cli.steps import console as make_console
from cli.top import COLOURS
from domain.scores import band, percent
from domain.time_zones import on_clock_of

if TYPE_CHECKING:
    from domain.scores import Reason
    from store.scores.ranking import Risk, UpcomingSession
    from store.scores.upcoming import Upcoming


def upcoming(
    hours: Annotated[int, typer.Option(help="Hours ahead; sessions are scored 48 hours ahead.", min=1, max=48)] = 48,
    after: Annotated[int, typer.Option(help="Omit sessions that start within these hours.", min=0, max=47)] = 0,
    limit: Annotated[int, typer.Option(help="Number of sessions.", min=1)] = 15,
    json_wanted: AsJson = False,
) -> None:
    """Print the sessions of the next hours by their risk of a no-show: why, and what to do."""
    from gateways.clock import utc_now
    from jobs.runtime import open_runtime
    from store.scores.upcoming import upcoming as read

    now = utc_now()
    with open_runtime(os.environ) as runtime:
        listed = read(runtime.engine, now + timedelta(hours=after), now + timedelta(hours=hours))
    if json_wanted:
        print_json(as_json(listed, now, limit))
    else:
        print_upcoming(listed, make_console(), limit)


def as_json(listed: "Upcoming", now: datetime, limit: int) -> dict[str, Any]:
    """The first sessions of the list as one JSON object."""
    return {"as_of": now.isoformat(), "sessions": [_as_json(listed, session) for session in listed.sessions[:limit]]}


def print_upcoming(listed: "Upcoming", console: Console, limit: int) -> None:
    """Print the list as a table, or a sentence if no session is booked."""
    if not listed.sessions:
        console.print("No session is booked in these hours.")
        return
    shown = listed.sessions[:limit]
    table = Table(title=f"The {len(shown)} riskiest of {len(listed.sessions)} sessions", show_lines=True, expand=True)
    table.add_column("Risk", justify="right", no_wrap=True)
    for name in ("Starts\n(tutor's time)", "Tutor", "Student"):
        table.add_column(name)
    for name, ratio in (("Why", 3), ("What to do", 2)):
        table.add_column(name, ratio=ratio)
    for session in shown:
        table.add_row(*_cells(listed, session))
    console.print(table)


def _cells(listed: "Upcoming", session: "UpcomingSession") -> tuple[Text, ...]:
    action, effect = _advice(listed, session)
    expected = f"the model expects, {session.what_if.words}" if effect and session.what_if else ""
    unknown = "not scored yet" if session.no_show is None else ""
    reasons = [_why(reason) for reason in session.reasons] or [unknown]
    return (
        _risk(session.no_show),
        cell(f"{on_clock_of(session.starts_at, session.timezone):%a %d %b\n%H:%M}"),
        cell(session.tutor_name, (session.tutor_id, "dim")),
        cell(session.student_id or "–"),
        cell(*reasons),
        cell(action, *((line, "dim") for line in (effect, expected) if line)),
    )


def _risk(risk: "Risk | None") -> Text:
    if risk is None:
        return cell(("–", "dim"))
    return cell((percent(risk.value), COLOURS[band(risk.value)]), (f"{percent(risk.low)}–{percent(risk.high)}", "dim"))


def _why(reason: "Reason") -> str:
    return f"{'▲' if reason.effect > 0 else '▼'} {reason.text}"


def _advice(listed: "Upcoming", session: "UpcomingSession") -> tuple[str, str]:
    """Recommended action and its expected effect, both empty without a score."""
    from insights.advice.upcoming import advice

    if session.no_show is None:
        return "", ""
    effect = listed.effect_on(session)
    advised = advice(session.no_show.value, session.action, session.is_listed, effect, session.withheld)
    return advised.action, advised.effect


def _as_json(listed: "Upcoming", session: "UpcomingSession") -> dict[str, Any]:
    action, effect = _advice(listed, session)
    risk = session.no_show
    return {
        "session_id": session.session_id,
        "tutor_id": session.tutor_id,
        "student_id": session.student_id,
        "starts_at": session.starts_at.isoformat(),
        "risk": {"value": risk.value, "low": risk.low, "high": risk.high} if risk else None,
        "reasons": [reason.model_dump() for reason in session.reasons],
        "action": action or None,
        "expected_effect": effect or None,
        "what_if": session.what_if.model_dump() if session.what_if else None,
        "model_version": session.model_version,
        "scored_as_of": session.as_of.isoformat() if session.as_of else None,
    }
