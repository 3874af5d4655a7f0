"""`tqs contacts`: plan tomorrow's list, see it, write down what was done, and see what contacts are worth."""

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
    """The commands under `tqs contacts`."""
    found = typer.Typer(help="Whom to contact about tomorrow's sessions, and what it is worth.", no_args_is_help=True)
    found.command("plan")(plan)
    found.command("list")(list_contacts)
    found.command("done")(done)
    found.command("effect")(effect)
    return found


def plan(
    as_of: Annotated[datetime | None, typer.Option(help="Plan as of this moment (UTC); now by default.")] = None,
    as_json: AsJson = False,
) -> None:
    """Draw up the list of the day after, once; it is planned every night where the schedules run."""
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
    """Whom to contact, most worthwhile first. Who is held out for comparison is not shown."""
    from jobs.runtime import open_runtime
    from store.contacts.records import last_planned_day, listed_contacts

    with open_runtime(os.environ) as runtime:
        of = day.date() if day else last_planned_day(runtime.engine)
        listed = listed_contacts(runtime.engine, of) if of else []
    if as_json:
        print_json({"day": of, "contacts": [asdict(contact) for contact in listed]})
    else:
        print_list(make_console(), of, listed)


def done(
    contact: Annotated[int, typer.Argument(help="Number of the contact, as listed.")],
    by: Annotated[str, typer.Option(help="Who made the contact.")],
    unreached: Annotated[bool, typer.Option("--unreached", help="Tried, but nobody was reached.")] = False,
    note: Annotated[str | None, typer.Option(help="What was agreed.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write down that a tutor was contacted, or could not be reached."""
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
    """What contacts are worth: those held out by chance against those contacted."""
    from jobs.runtime import open_runtime
    from store.contacts.records import measured_effects

    with open_runtime(os.environ) as runtime:
        measured = measured_effects(runtime.engine)
    found = (measured.overall, *measured.by_action) if measured else ()
    if as_json:
        at = measured.measured_at.isoformat() if measured else None
        print_json({"measured_at": at, "effects": [_as_json(one) for one in found]})
    else:
        print_effects(make_console(), found)


def _as_json(effect: "Effect") -> dict[str, Any]:
    return {**asdict(effect), "verdict": effect.verdict}


def print_list(console: Console, day: date | None, listed: "list[ListedContact]") -> None:
    """The list as a table; a sentence where there is none."""
    if not listed:
        console.print(
            f"Nobody is to be contacted on {day}." if day else "No day is planned yet: run `tqs contacts plan`."
        )
        return
    table = Table(title=f"To contact about the sessions of {day} (UTC)", expand=True)
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
    """A sentence for all contacts and one for each action."""
    from insights.contacts.effect_words import in_words

    if not effects:
        console.print("Nothing is measured yet: run `tqs contacts plan`.")
    for one in effects:
        console.print(f"{one.action or 'All contacts'}: {in_words(one)}", markup=False, highlight=False)
