"""`tqs webhooks`: deliveries to the Rails app, failures, and replay."""

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.operator import operator
from cli.printing import AsJson, cell, print_json, shown
from cli.steps import console as make_console

if TYPE_CHECKING:
    from store.outgoing.webhooks import Delivery


def commands() -> typer.Typer:
    """Commands under `tqs webhooks`."""
    group = typer.Typer(help="Webhooks to the Rails app: list, inspect failures, send again.", no_args_is_help=True)
    group.command("list")(list_deliveries)
    group.command("failed")(failed)
    group.command("show")(show)
    group.command("replay")(replay)
    return group


def list_deliveries(
    state: Annotated[str, typer.Option(help="pending, delivered or failed.")] = "pending",
    limit: Annotated[int, typer.Option(min=1, help="Maximum number, newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List deliveries with a state, newest first."""
    from domain.errors import InvalidSettings
    from jobs.runtime import open_runtime
    from store.outgoing.webhooks import DeliveryState, deliveries

    if state not in set(DeliveryState):
        raise InvalidSettings(f"--state: {state!r} is not one of {', '.join(DeliveryState)}")
    with open_runtime(os.environ) as runtime:
        listed = deliveries(runtime.engine, DeliveryState(state), limit)
    if as_json:
        print_json([asdict(one) for one in listed])
    else:
        _print(make_console(), state, listed)


def failed(
    limit: Annotated[int, typer.Option(min=1, help="Maximum number, newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List deliveries abandoned after three days, or refused for good by the Rails app (410)."""
    list_deliveries("failed", limit, as_json)


def show(
    delivery: Annotated[int, typer.Argument(help="Number of the delivery, as listed.")],
    as_json: AsJson = False,
) -> None:
    """Print a delivery with all attempts."""
    from jobs.runtime import open_runtime
    from store.outgoing.webhooks import delivery as find

    with open_runtime(os.environ) as runtime:
        stored, attempts = find(runtime.engine, delivery)
    if as_json:
        print_json({**asdict(stored), "attempts": [asdict(attempt) for attempt in attempts]})
        return
    print(f"{shown(stored.event_id)} {shown(stored.type)}, {_status(stored)}")
    for attempt in attempts:
        response = f"{attempt.status_code or 'no response'} {shown(attempt.error or '')}"
        print(f"  {attempt.at:%Y-%m-%d %H:%M:%S} {response}".rstrip())


def replay(
    deliveries: Annotated[list[int] | None, typer.Argument(help="Numbers of deliveries, as listed.")] = None,
    all_failed: Annotated[bool, typer.Option("--all-failed", help="Replay all abandoned deliveries.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send deliveries now, under their original ids and with a fresh count of attempts; also pending ones."""
    from domain.errors import InvalidSettings, UnknownSubject
    from gateways.clock import utc_now
    from jobs.runtime import open_runtime
    from store.outgoing.webhooks import replay as send_again
    from store.outgoing.webhooks import replay_failed

    if bool(deliveries) == all_failed:
        raise InvalidSettings("give numbers of deliveries, or --all-failed")
    with open_runtime(os.environ) as runtime:
        engine, by, now = runtime.engine, operator(), utc_now()
        sent = replay_failed(engine, by, now) if all_failed else send_again(engine, deliveries or (), by, now)
    others = sorted(set(deliveries or ()) - set(sent))
    if as_json:
        print_json({"replayed": sorted(sent)})
    else:
        print(f"{len(sent)} will be sent again")
    if others:
        raise UnknownSubject(f"unknown, or being sent: {', '.join(map(str, others))}; see `tqs webhooks list`")


def _print(console: Console, state: str, listed: "list[Delivery]") -> None:
    if not listed:
        console.print(f"no {state} deliveries")
        return
    table = Table("number", "id", "type", "created (UTC)", "attempts", "last response", title=f"{state} deliveries")
    for one in listed:
        last = str(one.status_code) if one.status_code else one.error or ""
        cells = (one.id, one.event_id, one.type, f"{one.created_at:%Y-%m-%d %H:%M}", one.tries, last)
        table.add_row(*map(cell, cells))
    console.print(table)


def _status(delivery: "Delivery") -> str:
    if delivery.delivered_at:
        return f"delivered {delivery.delivered_at:%Y-%m-%d %H:%M:%S} UTC"
    if delivery.failed_at:
        return f"abandoned {delivery.failed_at:%Y-%m-%d %H:%M:%S} UTC after {delivery.tries} attempts"
    return f"due {delivery.due_at:%Y-%m-%d %H:%M:%S} UTC, {delivery.tries} attempts so far"
