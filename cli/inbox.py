"""`tqs inbox`: waiting and parked events with their reasons, and retry of parked events."""

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
    """The command `tqs inbox` and its subcommands."""
    group = typer.Typer(help="Waiting and parked events.", invoke_without_command=True)
    group.callback()(list_inbox)
    group.command("retry")(retry)
    return group


def list_inbox(
    context: typer.Context,
    waiting: Annotated[bool, typer.Option("--waiting", help="List waiting instead of parked events.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of events, oldest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Count waiting and parked events, and list the oldest with their reasons."""
    if context.invoked_subcommand:
        return
    from jobs.runtime import open_runtime
    from store.inbox.backlog import InboxState, backlog, unfinished

    state = InboxState.WAITING if waiting else InboxState.PARKED
    with open_runtime(os.environ) as runtime:
        counted, events = backlog(runtime.engine), unfinished(runtime.engine, state, limit=limit)
    if as_json:
        document: dict[str, Any] = asdict(counted) | {"state": state, "events": [asdict(event) for event in events]}
        print_json(document)
    else:
        print_inbox(make_console(), counted, state, events)


def retry(
    event: Annotated[int | None, typer.Argument(help="Number of the parked event, as listed.")] = None,
    all_parked: Annotated[bool, typer.Option("--all", help="Retry all parked events.")] = False,
    as_json: AsJson = False,
) -> None:
    """Retry a parked event with a fresh count of attempts; or all of them, for example after a bug fix."""
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
        print(f"{len(retried)} events will be retried" if all_parked else f"event {event} will be retried")


def print_inbox(console: Console, counted: "Backlog", state: str, events: "list[UnfinishedEvent]") -> None:
    """Print the counts in a sentence, and the events, if any, as a table."""
    since = f", the oldest since {counted.oldest:%Y-%m-%d %H:%M:%S} UTC" if counted.oldest else ""
    console.print(f"{counted.waiting} waiting{since}; {counted.parked} parked.", highlight=False)
    if not events:
        return
    table = Table(title=f"Events {state}", title_justify="left", expand=True)
    for name in ("Number", "Event", "Type", "Received (UTC)", "Attempts"):
        table.add_column(name, no_wrap=True)
    table.add_column("Reason", ratio=1)
    for event in events:
        received = f"{event.received_at:%Y-%m-%d %H:%M}"
        cells = (event.id, event.event_id, event.type, received, event.tries, event.error or "–")
        table.add_row(*map(cell, cells))
    console.print(table)
