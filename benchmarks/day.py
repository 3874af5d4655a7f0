"""A day of a Rails app replayed in minutes, then minutes at a steady rate and a burst: `python -m benchmarks.day`.

10,000 sessions that ended within the day, and everything else that happened to sessions, sent one event a request by a
simulated Rails app that drops, repeats, swaps, delays, trickles and cuts off some. The service runs as `python -m
serving` does on core 0; worker, PostgreSQL and the Rails app share what is left. Every figure under "must be 0" is
counted in the database, by the service's own gap detector or by who sends. The real soak is `--minutes 15`.
"""

import argparse
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.day_checks import backlog, faults_of, missing, outcomes, wait_until_done
from benchmarks.day_stage import Stage, staged, tqs
from benchmarks.lines import Line, record
from simulator.post import Posted, post
from simulator.sending import Faults, Letter, plan

FAULTS = Faults(drop=0.01, duplicate=0.03, reorder=0.1, delay=0.02, slow=0.0005, hang_up=0.005)
WEBHOOKS_FAIL = 0.1
SENDERS = 64
BURST_SECONDS = 60.0


@dataclass
class Soak:
    """Results of the steady minutes: responses, and the backlog sampled once per second."""

    posted: Posted
    backlogs: list[int] = field(default_factory=list)


def replay(stage: Stage, rate: float) -> dict[str, Any]:
    """Send the day, wait until the backlog is empty, sync dropped events, and count everything that must be 0."""
    since, began = datetime.now(UTC), time.monotonic()
    day = plan(stage.rails.events, FAULTS, seed=1)
    posted = post(stage.url, stage.secret, day.letters, rate, SENDERS)
    sent = time.monotonic() - began
    waited = wait_until_done(stage)
    lacking = missing(stage)
    said = tqs(stage, "rails", "sync", "--since", stage.began.isoformat())
    wait_until_done(stage)
    return {
        "sessions ended": outcomes(stage),
        "events": len(stage.rails.events),
        "requests": len(day.letters),
        "dropped on purpose": len(day.dropped),
        "seconds to send": round(sent, 1),
        "seconds until all is scored": round(sent + waited, 1),
        "sessions missing before sync": lacking,
        "sync": said.splitlines()[-1],
        "answers": dict(posted.answers),
        "ms at 50, 95, 99 %": _milliseconds(posted),
        "webhooks taken": len(stage.rails.deliveries),
        "must be 0": _zero(posted) | {"missing after sync": missing(stage)} | faults_of(stage, since),
    }


def soak(stage: Stage, minutes: float, rate: float, burst: float) -> dict[str, Any]:
    """Events of the same tutors at a steady rate, with a burst in the middle."""
    letters = _again(stage, round(rate * minutes * 60 + burst * BURST_SECONDS))
    half = round(rate * minutes * 30)
    parts = [
        (letters[:half], rate),
        (letters[half : len(letters) - half], burst),
        (letters[len(letters) - half :], rate),
    ]
    done, found = threading.Event(), Soak(Posted())
    watcher = threading.Thread(target=_watch, args=(stage, found, done))
    watcher.start()
    for part, per_second in parts:
        _add(found.posted, post(stage.url, stage.secret, part, per_second, SENDERS))
    waited = wait_until_done(stage)
    done.set()
    watcher.join()
    return {
        "minutes": minutes,
        "requests": len(letters),
        "answers": dict(found.posted.answers),
        "ms at 50, 95, 99 %": _milliseconds(found.posted),
        "backlog at 50 %, at most": [statistics.median(found.backlogs), max(found.backlogs)],
        "seconds until it is 0 again": round(waited, 1),
        "must be 0": _zero(found.posted),
    }


def _again(stage: Stage, wanted: int) -> Sequence[Letter]:
    """The day's events again, for other sessions of the same tutors."""
    # Without transcripts: one of a session that ended before the day would wait for that session indefinitely.
    events = [event for event in stage.rails.events if event["type"] != "transcript.ready"]
    turns = range(1 + wanted // len(events))
    return plan([_renamed(event, f"soak{turn}-") for turn in turns for event in events][:wanted], Faults(), 2).letters


def _renamed(event: dict[str, Any], prefix: str) -> dict[str, Any]:
    names = ("session_id", "message_id", "reschedule_id")
    data = {name: prefix + value if name in names else value for name, value in event["data"].items()}
    return event | {"id": prefix + event["id"], "data": data}


def _watch(stage: Stage, found: Soak, done: threading.Event) -> None:
    while not done.wait(1.0):
        found.backlogs.append(backlog(stage))


def _add(posted: Posted, more: Posted) -> None:
    posted.answers.update(more.answers)
    posted.seconds.extend(more.seconds)
    posted.given_up.extend(more.given_up)


def _milliseconds(posted: Posted) -> list[float]:
    return [round(1000 * posted.percentile(share), 1) for share in (0.5, 0.95, 0.99)]


def _zero(posted: Posted) -> dict[str, int]:
    return {"server errors": posted.server_errors, "given up": len(posted.given_up)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=13_000, help="a day in the market; fewer on a Sunday")
    parser.add_argument("--tutors", type=int, default=4_000)
    parser.add_argument("--days", type=int, default=28, help="days of history before")
    parser.add_argument("--rate", type=float, default=150.0, help="requests a second of the replayed day")
    parser.add_argument("--minutes", type=float, default=1.0, help="of the soak")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="tqs-day-", ignore_cleanup_errors=True) as folder,
        staged(Path(folder), asked.sessions, asked.tutors, asked.days, WEBHOOKS_FAIL) as stage,
    ):
        found = {"day": replay(stage, asked.rate)}
        print(json.dumps(found, indent=1), flush=True)
        found["soak"] = soak(stage, asked.minutes, rate=12.0, burst=60.0)
        print(json.dumps(found["soak"], indent=1))
        faults = sum(found["day"]["must be 0"].values()) + sum(found["soak"]["must be 0"].values())
        slow = found["soak"]["ms at 50, 95, 99 %"][1]
        record(
            [
                Line("a day with faults: events lost, failed or scored twice", faults, "", target=0, at_least=False),
                Line("a day with faults: p95 of the soak's requests", slow, "ms"),
            ]
        )
    if asked.out:
        asked.out.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
