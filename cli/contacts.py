"""`tqs contacts`: plan and list tomorrow's contacts, record their results, show their measured effect."""

import os
from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.printing import AsJson, cell, notes_apart, print_json, shown
from cli.steps import console as make_console

if TYPE_CHECKING:
    from domain.interventions import Effect
    from store.contacts.records import ListedContact


def commands() -> typer.Typer:
    """Commands under `tqs contacts`."""
    group = typer.Typer(help="Contacts about tomorrow's sessions, and their effect.", no_args_is_help=True)
    group.command("plan")(plan)
    group.command("list")(list_contacts)
    group.command("done")(done)
    group.command("effect")(effect)
    return group


def plan(
    as_of: Annotated[datetime | None, typer.Option(help="Plan as of this moment (UTC); now by default.")] = None,
    as_json: AsJson = False,
) -> None:
    """Plan the contacts for tomorrow's sessions, once per day. With running schedules this happens every night."""
    from datetime import UTC

    from flows.contacts import contacts as flow
    from flows.standalone import run

    with notes_apart(as_json):
        planned = run(flow, as_of=as_of.replace(tzinfo=as_of.tzinfo or UTC).isoformat() if as_of else None)
    if as_json:
        print_json({"planned": planned})


def list_contacts(
    day: Annotated[
        datetime | None, typer.Option(help="Day of the sessions (UTC); the last planned by default.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the tutors to contact, the largest expected benefit first. The holdout is not shown."""
    from jobs.runtime import open_runtime
    from store.contacts.records import last_planned_day, listed_contacts

    with open_runtime(os.environ) as runtime:
        date_listed = day.date() if day else last_planned_day(runtime.engine)
        listed = listed_contacts(runtime.engine, date_listed) if date_listed else []
    if as_json:
        print_json({"day": date_listed, "contacts": [asdict(contact) for contact in listed]})
    else:
        print_list(make_console(), date_listed, listed)


def done(
    contact: Annotated[int, typer.Argument(help="Number of the contact, as listed.")],
    by: Annotated[str, typer.Option(help="Who made the contact.")],
    unreached: Annotated[bool, typer.Option("--unreached", help="The tutor could not be reached.")] = False,
    note: Annotated[str | None, typer.Option(help="What was agreed.")] = None,
    as_json: AsJson = False,
) -> None:
    """Record that a tutor was contacted, or could not be reached."""
    from domain.interventions import ContactStatus
    from gateways.clock import utc_now
    from jobs.runtime import open_runtime
    from store.contacts.records import record_contact

    to = ContactStatus.UNREACHED if unreached else ContactStatus.DONE
    with open_runtime(os.environ) as runtime:
        record_contact(runtime.engine, contact, to, by, utc_now(), note)
    if as_json:
        print_json({"contact": contact, "status": to, "by": by})
    else:
        print(f"contact {contact}: {to}, by {shown(by)}")


def effect(as_json: AsJson = False) -> None:
    """Show the effect of contacts: contacted tutors compared with the random holdout."""
    from jobs.runtime import open_runtime
    from store.contacts.records import measured_effects

    with open_runtime(os.environ) as runtime:
        measured = measured_effects(runtime.engine)
    effects = (measured.overall, *measured.by_action) if measured else ()
    if as_json:
        at = measured.measured_at.isoformat() if measured else None
        print_json({"measured_at": at, "effects": [_as_json(one) for one in effects]})
    else:
        print_effects(make_console(), effects)


def _as_json(effect: "Effect") -> dict[str, Any]:
    return {**asdict(effect), "verdict": effect.verdict}


def print_list(console: Console, day: date | None, listed: "list[ListedContact]") -> None:
    """Print the list as a table, or a sentence if it is empty."""
    if not listed:
        console.print(f"There are no contacts for {day}." if day else "No day is planned yet: run `tqs contacts plan`.")
        return
    table = Table(title=f"Contacts about the sessions of {day} (UTC)", expand=True)
    for name in ("Number", "Tutor", "Sessions", "First", "Expected\nno-shows", "Expected\nprevented"):
        table.add_column(name, no_wrap=True)
    for name in ("What to do", "Status"):
        table.add_column(name)
    for contact in listed:
        table.add_row(*map(cell, _cells(contact)))
    console.print(table)


def _cells(contact: "ListedContact") -> tuple[str, ...]:
    prevented = "–" if contact.expected_prevented is None else f"{contact.expected_prevented:.2f}"
    status = str(contact.status) if contact.status == "planned" else f"{contact.status}, {contact.actor}"
    first = f"{contact.first_starts_at:%H:%M}"
    return (
        str(contact.id), f"{contact.name} ({contact.tutor_id})", str(contact.sessions), first, f"{contact.risk:.2f}",
        prevented, contact.action, status,
    )  # fmt: skip


def print_effects(console: Console, effects: "tuple[Effect, ...]") -> None:
    """Print a sentence for all contacts and one for each action."""
    from insights.contacts.effect_words import in_words

    if not effects:
        console.print("No effect has been measured yet: run `tqs contacts plan`.")
    for one in effects:
        console.print(f"{one.action or 'All contacts'}: {in_words(one)}", markup=False, highlight=False)
