"""`tqs rails play`: a simulated day of a Rails app against a running service, in both directions."""

import os
import secrets
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from simulator.day import Event
    from simulator.post import Posted
    from simulator.rails import RailsApp
    from simulator.sending import Plan

DAY = timedelta(days=1)
HISTORY_DAYS = 14
"""Days simulated before the one that is played, so that it begins with sessions that are booked."""


def play(
    url: Annotated[str | None, typer.Option(help="The service; the port of the settings here if left out.")] = None,
    sessions: Annotated[int, typer.Option(help="Sessions of the day.", min=1)] = 10_000,
    tutors: Annotated[int, typer.Option(help="Tutors in the market.", min=1)] = 1200,
    rate: Annotated[float, typer.Option(help="Requests a second.", min=0.1)] = 50.0,
    batch: Annotated[int, typer.Option(help="Events a request.", min=1, max=1000)] = 1,
    drop: Annotated[float, typer.Option(help="Share of the events never sent.", min=0, max=1)] = 0.0,
    duplicate: Annotated[float, typer.Option(help="Share sent twice.", min=0, max=1)] = 0.0,
    reorder: Annotated[float, typer.Option(help="Share sent after some that follow.", min=0, max=1)] = 0.0,
    delay: Annotated[float, typer.Option(help="Share sent hours late.", min=0, max=1)] = 0.0,
    slow: Annotated[float, typer.Option(help="Share whose body trickles.", min=0, max=1)] = 0.0,
    hang_up: Annotated[float, typer.Option(help="Share cut off before the answer.", min=0, max=1)] = 0.0,
    fail: Annotated[float, typer.Option(help="Share of our webhooks answered 503.", min=0, max=1)] = 0.0,
    port: Annotated[int, typer.Option(help="Where the app itself answers.", min=1, max=65535)] = 4567,
    seed: Annotated[int, typer.Option(help="The same seed plays the same day.", min=0)] = 0,
    stay: Annotated[bool, typer.Option(help="Go on answering after the day, until Ctrl-C.")] = False,
) -> None:
    """Play a day of events that ends now, with faults; take webhooks and answer `tqs rails sync` meanwhile.

    Secrets and token are those of the settings, so it plays to the service of the same data folder.
    """
    from gateways.settings import load_settings
    from gateways.signatures import incoming, outgoing
    from simulator.post import post
    from simulator.rails import RailsApp, running
    from simulator.sending import Faults, plan

    settings = load_settings(os.environ)
    faults = Faults(drop=drop, duplicate=duplicate, reorder=reorder, delay=delay, slow=slow, hang_up=hang_up)
    token = settings.rails_token or secrets.token_urlsafe(24)
    app = RailsApp(_events(tutors, sessions, seed), token, outgoing(settings).secrets, fail)
    day = plan(app.events, faults, seed, batch)
    with running(app, port) as here:
        to_send = len(app.events) - len(day.dropped)
        print(f"{to_send:,} events to send in {len(day.letters):,} requests; the app answers at {here}", flush=True)
        posted = post(url or f"http://127.0.0.1:{settings.api_port}", incoming(settings).secrets[0], day.letters, rate)
        _say(day, posted)
        _wait(stay)
    _say_webhooks(app)


def _events(tutors: int, sessions: int, seed: int) -> "list[Event]":
    from gateways.clock import utc_now
    from simulator.day import events_since
    from simulator.marketplace import MarketSettings, simulate

    now = utc_now()
    market = MarketSettings(tutors=tutors, days=HISTORY_DAYS, sessions_per_day=sessions, seed=seed, end=now)
    # Ids of this play alone: what the service knows may be a market with the same ones.
    return events_since(simulate(market).dataset, now - DAY, f"{now:%Y%m%dT%H%M%S}-")


def _say(day: "Plan", posted: "Posted") -> None:
    answers = ", ".join(f"{count:,} x {status}" for status, count in sorted(posted.answers.items()))
    milliseconds = [round(1000 * posted.percentile(share), 1) for share in (0.5, 0.95, 1.0)]
    print(f"answers: {answers}; ms at 50, 95, 100 %: {milliseconds}")
    print(f"dropped on purpose: {len(day.dropped):,}; not taken in the end: {len(posted.given_up):,}")


def _say_webhooks(app: "RailsApp") -> None:
    taken, again = len(app.deliveries), app.deliveries.total() - len(app.deliveries)
    print(
        f"webhooks: {taken:,} taken, {again:,} of them again, {app.failed:,} failed on purpose, {app.refused:,} refused"
    )


def _wait(stay: bool) -> None:
    while stay:
        time.sleep(0.5)
