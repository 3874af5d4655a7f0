"""`tqs rails play`: simulation of a Rails app's day against a running service, in both directions."""

import os
import secrets
import time
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.printing import AsJson, notes_apart, print_json
from domain.errors import InvalidSettings

if TYPE_CHECKING:
    from simulator.day import Event
    from simulator.post import Posted
    from simulator.rails import RailsApp
    from simulator.sending import SendingPlan

DAY = timedelta(days=1)
HISTORY_DAYS = 14
"""Days simulated before the played day, so that it starts with booked sessions."""


def play(
    url: Annotated[str | None, typer.Option(help="Address of the service; by default the local one.")] = None,
    sessions: Annotated[int, typer.Option(help="Number of sessions on the day.", min=1)] = 10_000,
    tutors: Annotated[int, typer.Option(help="Number of tutors in the market.", min=1)] = 1200,
    rate: Annotated[float, typer.Option(help="Requests per second.", min=0.1)] = 50.0,
    batch: Annotated[int, typer.Option(help="Events per request.", min=1, max=1000)] = 1,
    drop: Annotated[float, typer.Option(help="Share of the events never sent.", min=0, max=1)] = 0.0,
    duplicate: Annotated[float, typer.Option(help="Share sent twice.", min=0, max=1)] = 0.0,
    reorder: Annotated[float, typer.Option(help="Share sent out of order.", min=0, max=1)] = 0.0,
    delay: Annotated[float, typer.Option(help="Share sent hours late.", min=0, max=1)] = 0.0,
    slow: Annotated[float, typer.Option(help="Share whose body is sent slowly.", min=0, max=1)] = 0.0,
    hang_up: Annotated[float, typer.Option(help="Share disconnected before the response.", min=0, max=1)] = 0.0,
    fail: Annotated[float, typer.Option(help="Share of received webhooks answered with 503.", min=0, max=1)] = 0.0,
    port: Annotated[int, typer.Option(help="Port of the simulated app.", min=1, max=65535)] = 4567,
    seed: Annotated[int, typer.Option(help="Random seed; the same seed plays the same day.", min=0)] = 0,
    stay: Annotated[bool, typer.Option(help="Keep responding after the day, until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """Play a day of events that ends now, with faults; meanwhile accept webhooks and serve `tqs rails sync`.

    Secrets and token come from the settings, so it works with the service of the same data folder.
    """
    from gateways.ports import check_port
    from gateways.rails.signatures import incoming, outgoing
    from gateways.settings import load_settings
    from simulator.post import post
    from simulator.rails import RailsApp, running
    from simulator.sending import Faults, plan

    settings = load_settings(os.environ)
    check_port("127.0.0.1", port, "--port")
    if url is not None and not url.startswith(("http://", "https://")):
        raise InvalidSettings(f"--url {url}: give an address such as http://127.0.0.1:3000")
    faults = Faults(drop=drop, duplicate=duplicate, reorder=reorder, delay=delay, slow=slow, hang_up=hang_up)
    token = settings.rails_token or secrets.token_urlsafe(24)
    app = RailsApp(_events(tutors, sessions, seed), token, outgoing(settings).secrets, fail)
    day = plan(app.events, faults, seed, batch)
    with notes_apart(as_json), running(app, port) as here:
        to_send = len(app.events) - len(day.dropped)
        print(f"{to_send:,} events to send in {len(day.letters):,} requests; the app listens at {here}", flush=True)
        posted = post(url or f"http://127.0.0.1:{settings.api_port}", incoming(settings).secrets[0], day.letters, rate)
        _say(day, posted)
        _wait(stay)
    if as_json:
        print_json({"sent": to_send, **_sending_as_json(day, posted), "webhooks": _webhooks_as_json(app)})
    else:
        _say_webhooks(app)


def _events(tutors: int, sessions: int, seed: int) -> "list[Event]":
    from gateways.clock import utc_now
    from simulator.day import events_since
    from simulator.marketplace import MarketSettings, simulate

    now = utc_now()
    market = MarketSettings(tutors=tutors, days=HISTORY_DAYS, sessions_per_day=sessions, seed=seed, end=now)
    # Ids unique to this run: the service may already have a market with the same ids.
    return events_since(simulate(market).dataset, now - DAY, f"{now:%Y%m%dT%H%M%S}-")


def _sending_as_json(day: "SendingPlan", posted: "Posted") -> dict[str, Any]:
    return {
        "requests": len(day.letters),
        "answers": dict(sorted(posted.answers.items())),
        "milliseconds": _milliseconds(posted),
        "dropped": len(day.dropped),
        "not_taken": len(posted.given_up),
    }


def _milliseconds(posted: "Posted") -> dict[str, float]:
    """Milliseconds to the first response by percentile; empty without responses."""
    if not posted.seconds:
        return {}
    return {str(percent): round(1000 * posted.percentile(percent / 100), 1) for percent in (50, 95, 100)}


def _webhooks_as_json(app: "RailsApp") -> dict[str, int]:
    taken = len(app.deliveries)
    again = app.deliveries.total() - taken
    return {"taken": taken, "again": again, "failed": app.failed, "refused": app.refused}


def _say(day: "SendingPlan", posted: "Posted") -> None:
    answers = ", ".join(f"{count:,} x {status}" for status, count in sorted(posted.answers.items()))
    print(f"responses: {answers}; ms at 50, 95, 100 %: {list(_milliseconds(posted).values())}")
    print(f"dropped on purpose: {len(day.dropped):,}; not accepted in the end: {len(posted.given_up):,}")


def _say_webhooks(app: "RailsApp") -> None:
    counts = _webhooks_as_json(app)
    print(
        f"webhooks: {counts['taken']:,} accepted, {counts['again']:,} repeated, "
        f"{counts['failed']:,} failed on purpose, {counts['refused']:,} rejected"
    )


def _wait(stay: bool) -> None:
    with suppress(KeyboardInterrupt):
        while stay:
            time.sleep(0.5)
