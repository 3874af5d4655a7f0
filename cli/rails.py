"""`tqs rails`: fetch missing events from the Rails app, or simulate a Rails app."""

import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.printing import AsJson, print_json, shown
from cli.rails_play import play
from domain.errors import InvalidEvent, InvalidSettings

if TYPE_CHECKING:
    from store.db.engine import Engine
    from store.inbox.accept import Arrival

INVALID = "invalid"


def commands() -> typer.Typer:
    """Commands under `tqs rails`."""
    group = typer.Typer(help="Fetch missing events from the Rails app, or simulate a Rails app.", no_args_is_help=True)
    group.command("sync")(sync)
    group.command("play")(play)
    return group


def sync(
    since: Annotated[str, typer.Option(help="Start of the period: ISO 8601, with an offset or in UTC.")],
    until: Annotated[str | None, typer.Option(help="End of the period, exclusive; no end by default.")] = None,
    cursor: Annotated[str | None, typer.Option(help="Continue where an earlier sync stopped.")] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch events from the Rails app and store those that were never received.

    Known events change nothing, so it is safe to run at any time. Unreadable events are stored too, parked with the
    reason: see `tqs inbox`. Exit code 3 if there are unreadable events or conflicts.
    """
    from gateways.clock import utc_now
    from gateways.rails.events import connected, tell_of_waiting
    from jobs.runtime import open_runtime

    begin, end = _moment("--since", since), _moment("--until", until) if until else None
    counts: Counter[str] = Counter()
    conflicts: list[str] = []
    pages_read = 0
    tell_of_waiting(lambda said: print(shown(said), file=sys.stderr, flush=True))
    with open_runtime(os.environ) as runtime, connected(runtime.settings) as rails:
        try:
            for page in rails.pages(begin, end, cursor):
                counts += _keep(runtime.engine, page.events, utc_now(), conflicts)
                cursor, pages_read = page.next_cursor, pages_read + 1
        finally:
            if pages_read:
                _say(counts, conflicts, cursor, as_json)
    if conflicts or counts[INVALID]:
        raise typer.Exit(3)


def _keep(engine: "Engine", events: Iterable[dict[str, Any]], now: datetime, conflicts: list[str]) -> Counter[str]:
    """Store a page in one transaction; returns the numbers of new, known, conflicting and unreadable events."""
    from store.db.engine import writing
    from store.inbox.accept import SYNC, Acceptance, accept, keep_unreadable

    arrivals: list[Arrival] = []
    unreadable: list[tuple[dict[str, Any], str]] = []
    for event in events:
        try:
            arrivals.append(_arrival(event, now))
        except InvalidEvent as error:
            unreadable.append((event, str(error)))
    with writing(engine) as connection:
        outcomes = accept(connection, arrivals, SYNC, now)
        for event, reason in unreadable:
            keep_unreadable(connection, event, reason, SYNC, now)
    conflicts += _named(arrivals, outcomes, Acceptance.CONFLICT)
    return Counter({INVALID: len(unreadable)}) + Counter(outcome.value for outcome in outcomes)


def _arrival(event: dict[str, Any], now: datetime) -> "Arrival":
    from domain.events.events import AHEAD, ahead
    from domain.events.order import read_event
    from store.inbox.accept import Arrival

    read = read_event(event)
    if read.id is None:
        raise InvalidEvent("the event has no id")
    if fields := ahead(read, now):
        raise InvalidEvent(f"{' and '.join(fields)} {AHEAD}")
    return Arrival.of(read, event, read.id)


def _named(arrivals: "Sequence[Arrival]", outcomes: Sequence[str], which: str) -> list[str]:
    return [arrival.id for arrival, outcome in zip(arrivals, outcomes, strict=True) if outcome == which]


def _say(counts: Counter[str], conflicts: list[str], cursor: str | None, as_json: bool) -> None:
    if as_json:
        print_json({**counts, "conflicts": conflicts, "cursor": cursor})
        return
    named = (("new", "new"), ("same", "known"), ("conflict", "in conflict"), (INVALID, "unreadable"))
    print(f"{counts.total()} events: " + ", ".join(f"{counts[key]} {words}" for key, words in named))
    if conflicts:
        print(f"accepted before with a different body: {shown(', '.join(conflicts[:10]))}")
    if counts[INVALID]:
        print("unreadable events are parked: see `tqs inbox` for the reasons")
    if cursor:
        print(f"incomplete: continue with --cursor {shown(cursor)}")


def _moment(option: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidSettings(f"{option}: give a moment such as 2026-11-23 or 2026-11-23T16:00+01:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
