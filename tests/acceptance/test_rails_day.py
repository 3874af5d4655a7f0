"""A day of a Rails app with every delivery fault, against the live API and the worker; both end with equal data."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, text

from features.base.dataset import Dataset
from features.base.known import known_at
from gateways.clock import utc_now
from gateways.ports import free_port
from gateways.settings import load_settings
from jobs.event_worker import Worker
from serving.resources import open_resources
from simulator.day import events_since
from simulator.marketplace import MarketSettings, simulate
from simulator.post import post
from simulator.rails import RailsApp, running
from simulator.sending import Faults, plan
from store.facts.load import load
from tests.lib.api_parts import HEADERS, KEY, serving

DAY = timedelta(days=1)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FAULTS = Faults(drop=0.05, duplicate=0.1, reorder=0.3, delay=0.1, slow=0.01, hang_up=0.05)


@pytest.fixture
def url(database_url: str, tmp_path: Path) -> Iterator[str]:
    settings = load_settings({"TQS_DATA_DIR": str(tmp_path), "TQS_WEBHOOK_SECRETS": SECRET})
    with closing(open_resources(database_url, KEY, settings)) as resources, serving(resources) as address:
        yield address
    resources.engine.dispose()


def _tqs(environ: Mapping[str, str], *arguments: str) -> str:
    mine = {name: value for name, value in os.environ.items() if not name.startswith("TQS_")}
    command = [sys.executable, "-m", "cli", *arguments]
    done = subprocess.run(command, env=mine | environ, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _sessions(engine: Engine) -> dict[str, tuple[object, ...]]:
    query = text("SELECT session_id, tutor_id, student_id, starts_at, status, rating, initiated_by FROM sessions")
    with engine.connect() as connection:
        return {row[0]: tuple(row) for row in connection.execute(query)}


def _as_rails_has_it(market: Dataset) -> dict[str, tuple[object, ...]]:
    names = ("session_id", "tutor_id", "student_id", "starts_at", "status", "rating", "initiated_by")
    rows = market.tables["sessions"].to_pylist()
    return {row["session_id"]: tuple(row[name] for name in names) for row in rows}


def test_a_day_with_every_fault_ends_as_rails_has_it_once_it_is_synced(
    url: str, engine: Engine, database_url: str, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    market = simulate(MarketSettings(tutors=20, days=14, sessions_per_day=60, end=now)).dataset
    load(engine, known_at(market, now - DAY))
    rails = RailsApp(events_since(market, now - DAY), "token", [SECRET])
    day = plan(rails.events, FAULTS, seed=3)
    posted = post(url, SECRET, day.letters, per_second=400)
    assert (posted.server_errors, posted.given_up) == (0, [])
    worker = Worker(engine, utc_now)
    worker.drain()
    assert day.dropped
    assert _sessions(engine) != _as_rails_has_it(market)
    with running(rails) as address:
        environ = {"DATABASE_URL": database_url, "TQS_DATA_DIR": str(tmp_path)}
        environ |= {"TQS_RAILS_URL": address, "TQS_RAILS_TOKEN": "token"}
        output = _tqs(environ, "rails", "sync", "--since", (now - DAY).isoformat())
    assert f"{len(day.dropped)} new, {len(rails.events) - len(day.dropped)} known, 0 in conflict" in output
    worker.drain()
    assert _sessions(engine) == _as_rails_has_it(market)
    span = {"from": (now - DAY).isoformat(), "to": (now + 20 * DAY).isoformat()}
    rows = [row for row in market.tables["sessions"].to_pylist() if row["starts_at"] >= now - DAY]
    span |= {"session_ids": [row["session_id"] for row in rows]}
    report = httpx.post(f"{url}/api/sessions/reconcile", json=span, headers=HEADERS).json()
    assert (report["complete"], report["missing"], report["waiting"], report["unexpected"]) == (True, [], [], [])


def test_the_command_plays_a_day_and_says_what_came_of_it(
    url: str, engine: Engine, database_url: str, tmp_path: Path
) -> None:
    environ = {"DATABASE_URL": database_url, "TQS_DATA_DIR": str(tmp_path), "TQS_WEBHOOK_SECRETS": SECRET}
    size = ("--sessions", "40", "--tutors", "10", "--rate", "500", "--batch", "20", "--duplicate", "0.2")
    output = json.loads(
        _tqs(environ, "rails", "play", "--url", url, "--port", str(free_port("127.0.0.1")), "--json", *size)
    )
    with engine.connect() as connection:
        stored = connection.execute(text("SELECT count(*) FROM inbox WHERE key LIKE 'event:%'")).scalar_one()
    assert stored > 40
    assert (output["sent"], output["dropped"], output["not_taken"]) == (stored, 0, 0)
    assert sum(output["answers"].values()) >= output["requests"]
