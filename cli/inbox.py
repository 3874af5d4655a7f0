"""`tqs inbox`: what is not done and why, and another try for what was parked."""

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.operator import operator
from cli.printing import AsJson, cell, print_json
from cli.steps import console as make_console

if TYPE_CHECKING:
    from store.inbox.backlog import Backlog, UnfinishedEvent


def commands() -> typer.Typer:
    """The command `tqs inbox` and those under it."""
    found = typer.Typer(help="Events that wait or are parked.", invoke_without_command=True)
    found.callback()(list_inbox)
    found.command("retry")(retry)
    return found


def list_inbox(
    context: typer.Context,
    waiting: Annotated[bool, typer.Option("--waiting", help="Those that wait instead of those parked.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the oldest.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Events that wait or are parked: how many, and the oldest with their reasons."""
    if context.invoked_subcommand:
        return
    from jobs.runtime import open_runtime
    from store.inbox.backlog import InboxState, backlog, unfinished

    state = InboxState.WAITING if waiting else InboxState.PARKED
    with open_runtime(os.environ) as runtime:
        counted, events = backlog(runtime.engine), unfinished(runtime.engine, state, limit=limit)
    if as_json:
        found: dict[str, Any] = asdict(counted) | {"state": state, "events": [asdict(event) for event in events]}
        print_json(found)
    else:
        print_inbox(make_console(), counted, state, events)


def retry(
    event: Annotated[int | None, typer.Argument(help="Number of the parked event, as listed.")] = None,
    all_parked: Annotated[bool, typer.Option("--all", help="All that are parked.")] = False,
    as_json: AsJson = False,
) -> None:
    """Try a parked event again, as often as a new one; or all, as after a fault of ours was mended."""
    from domain.errors import InvalidSettings
    from gateways.clock import utc_now
    from jobs.runtime import open_runtime
    from store.inbox.backlog import retry as try_again
    from store.inbox.backlog import retry_all

    if (event is None) is not all_parked:
        raise InvalidSettings("give the number of a parked event, or --all")
    with open_runtime(os.environ) as runtime:
        if event is None:
            retried = retry_all(runtime.engine, operator(), utc_now())
        else:
            try_again(runtime.engine, event, operator(), utc_now())
            retried = [event]
    if as_json:
        print_json({"retried": retried})
    else:
        print(f"{len(retried)} events will be tried again" if all_parked else f"event {event} will be tried again")


def print_inbox(console: Console, counted: "Backlog", state: str, events: "list[UnfinishedEvent]") -> None:
    """The counts in a sentence, and the events as a table where there are any."""
    since = f", the oldest since {counted.oldest:%Y-%m-%d %H:%M:%S} UTC" if counted.oldest else ""
    console.print(f"{counted.waiting} wait{since}; {counted.parked} parked.", highlight=False)
    if not events:
        return
    table = Table(title=f"Events {state}", title_justify="left", expand=True)
    for name in ("Number", "Event", "Type", "Received (UTC)", "Tries"):
        table.add_column(name, no_wrap=True)
    table.add_column("Reason", ratio=1)
    for event in events:
        received = f"{event.received_at:%Y-%m-%d %H:%M}"
        cells = (event.id, event.event_id, event.type, received, event.tries, event.error or "–")
        table.add_row(*map(cell, cells))
    console.print(table)
