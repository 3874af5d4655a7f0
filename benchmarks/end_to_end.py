"""Time from events to scores: 3,000 outcomes for 100 tutors with 6,000 past sessions, from the inbox to the scores.

    python -m benchmarks.end_to_end [folder]

Both champions are real ones, trained on another 700 tutors; every event is applied, and all scores of its tutor and of
the tutor's upcoming sessions are made anew, with reasons. Beside it the same code one event at a time. CPU is the
worker's own; that of PostgreSQL stands beside it. Then how long after a webhook was sent the tutor's scores are up to
date, at a fixed rate, with the service and `tqs worker` as processes of their own.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import Any

import httpx
import numpy as np
import psutil  # type: ignore[import-untyped]
from sqlalchemy import Engine, text

from benchmarks.lines import Line, record
from benchmarks.outcomes import ARRIVING, TUTORS, train, work
from benchmarks.servers import service
from gateways.clock import utc_now
from gateways.embedded_postgres.databases import empty_database
from gateways.embedded_postgres.server import EmbeddedServer
from gateways.rails.signatures import Signatures
from jobs.event_worker import BATCH, Worker
from store.db.engine import make_engine, upgrade
from store.facts.load import load

SECRET = "whsec_" + b64encode(bytes(24)).decode()
"""Signing secret of this run's webhooks."""

ONE_BY_ONE = 300
"""Events of the run one by one: enough to measure, and it is slow."""

_PUT = text("""
    INSERT INTO inbox (source, key, body, type, received_at)
    SELECT 'webhook', 'event:' || (body ->> 'id'), body, body ->> 'type', now()
    FROM jsonb_array_elements(CAST(:events AS jsonb)) AS body
""")
_DONE = text("SELECT key FROM inbox WHERE key = ANY (:keys) AND processed_at IS NOT NULL")
_LOOK_SECONDS = 0.003


def put(engine: Engine, events: Sequence[dict[str, Any]]) -> None:
    """Put events into the inbox, as the service does."""
    with engine.begin() as connection:
        connection.execute(_PUT, {"events": json.dumps(events)})


@dataclass(frozen=True)
class Spent:
    """Seconds on the wall, and of CPU by this process and by PostgreSQL."""

    wall: float
    own: float
    postgres: float

    def row(self, name: str, events: int) -> str:
        """A line of the table."""
        own, database = (1000 * seconds / events for seconds in (self.own, self.postgres))
        return f"{name:28} {events / self.wall:8.0f}/s {own:8.2f} ms {database:8.2f} ms"


@contextmanager
def measured(server: psutil.Process) -> Iterator[Callable[[], Spent]]:
    """Time spent in a block; PostgreSQL's connections must stay open during it."""
    began, own, database = time.perf_counter(), _own(), _postgres(server)
    yield lambda: Spent(time.perf_counter() - began, _own() - own, _postgres(server) - database)


def _own() -> float:
    used = getrusage(RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _postgres(server: psutil.Process) -> float:
    spent = 0.0
    for process in (server, *server.children(recursive=True)):
        try:
            spent += sum(process.cpu_times()[:4]) if process is server else sum(process.cpu_times()[:2])
        except psutil.NoSuchProcess:
            continue
    return spent


def throughput(engine: Engine, server: psutil.Process, events: Sequence[dict[str, Any]], batch: int) -> Spent:
    """Drain a full inbox."""
    worker = Worker(engine, utc_now, batch)
    worker.warm_up()
    put(engine, events)
    with measured(server) as spent:
        done = worker.drain()
        result = spent()
    if done != len(events):
        raise RuntimeError(f"only {done} of {len(events)} events were done: see `tqs inbox`")
    return result


def latency(engine: Engine, url: str, folder: Path, events: Sequence[dict[str, Any]], rate: float) -> Any:
    """Seconds from sending each webhook until scores that include it can be read, at a given rate."""
    environ = {**os.environ, "DATABASE_URL": url, "TQS_DATA_DIR": str(folder)}
    with (folder / "worker.log").open("wb") as log:
        worker = subprocess.Popen([sys.executable, "-m", "cli", "worker"], env=environ, stdout=log, stderr=log)
    try:
        _wait_until_idle(engine, worker)
        with service(url, folder, TQS_WEBHOOK_SECRETS=SECRET) as address, httpx.Client(base_url=address) as client:
            return np.array(_waits(engine, client, events, rate))
    finally:
        worker.terminate()
        worker.wait()


def _waits(engine: Engine, client: httpx.Client, events: Sequence[dict[str, Any]], rate: float) -> list[float]:
    begin, left, sent, waits = time.monotonic(), list(events), dict[str, float](), list[float]()
    while left or sent:
        if left and time.monotonic() >= begin + (len(events) - len(left)) / rate:
            sent[f"event:{left[0]['id']}"] = time.monotonic()
            _post(client, left.pop(0))
        with engine.begin() as connection:
            done = connection.execute(_DONE, {"keys": list(sent)}).scalars().all()
        waits += [time.monotonic() - sent.pop(key) for key in done]
        time.sleep(_LOOK_SECONDS)
    return waits


def _post(client: httpx.Client, event: dict[str, Any]) -> None:
    body = json.dumps(event)
    headers = Signatures((SECRET,)).sign(event["id"], body, utc_now()) | {"Content-Type": "application/json"}
    answer = client.post("/api/sessions", content=body, headers=headers)
    if answer.status_code != 202:
        raise RuntimeError(f"{answer.status_code}: {answer.text}")


def _wait_until_idle(engine: Engine, worker: subprocess.Popen[bytes], seconds: float = 60.0) -> None:
    """Wait until the worker runs and is idle."""
    until = time.monotonic() + seconds
    listens = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"
    waiting = "SELECT count(*) FROM inbox WHERE processed_at IS NULL AND parked_at IS NULL AND type IS NOT NULL"
    while time.monotonic() < until and worker.poll() is None:
        with engine.begin() as connection:
            if connection.scalar(text(listens)) and not connection.scalar(text(waiting)):
                time.sleep(1.0)  # models are read just after
                return
        time.sleep(0.1)
    raise RuntimeError("the worker did not come to rest")


def main() -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else made)
        os.chmod(folder, 0o711)
        with EmbeddedServer(folder) as url:
            run(url, folder)


def run(url: str, folder: Path) -> None:
    """The whole table."""
    now = datetime.now(UTC).replace(microsecond=0)
    found = work(now - timedelta(minutes=1))
    urls = [empty_database(url, name) for name in ("batches", "singly", "live")]
    engines = [make_engine(each) for each in urls]
    for engine in engines:
        upgrade(engine)
        load(engine, found.before)
    train(engines, now)
    server = psutil.Process(int(next(folder.rglob("postmaster.pid")).read_text().split()[0]))
    print(f"{ARRIVING:,} outcomes for {TUTORS} tutors with {found.before.tables['sessions'].num_rows:,} past sessions")
    print(f"{'':28} {'sessions':>10} {'worker CPU':>11} {'PostgreSQL':>11}")
    spent = throughput(engines[0], server, found.events, BATCH)
    print(spent.row(f"batches of {BATCH}", ARRIVING))
    alone = throughput(engines[1], server, found.events[:ONE_BY_ONE], 1)
    print(alone.row("one event at a time", ONE_BY_ONE))
    sped_up = alone.wall / ONE_BY_ONE / (spent.wall / ARRIVING)
    record([Line("events to scores in batches", ARRIVING / spent.wall, "a second", None, "", sped_up)])
    print(f"{alone.wall / ONE_BY_ONE / (spent.wall / ARRIVING):.1f} times as fast in batches")
    for rate, events in ((1.0, found.events[:30]), (12.0, found.events[30:390])):
        waited = latency(engines[2], urls[2], folder, events, rate)
        middle, most = np.percentile(waited, (50, 95))
        record([Line(f"event to scores at {rate:g} webhooks/s, p95", float(most), "s", target=60, at_least=False)])
        print(f"{rate:4.0f} webhooks/s: scores up to date after {middle:.3f} s (p50), {most:.3f} s (p95)")


if __name__ == "__main__":
    main()
