"""Throughput and latency of accepting webhooks: `python -m benchmarks.webhooks`.

Signed events, each another, half of them of pairs that are new: at 100 a second, and as fast as the answers come. The
service on core 0; PostgreSQL, which waits for the disk with every commit, and the load generator on core 1. Side by
side: as `python -m serving` runs it, on uvicorn alone, and on uvicorn with a transaction for each request in place of
one for all that came meanwhile (`--serve` is how this module starts the last two).
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
from sqlalchemy import text

from benchmarks.lines import Line, record
from benchmarks.load import LOAD_CORE, SERVER_CORE, offer, request, saturate
from benchmarks.servers import pin, server, service
from domain.events.examples import example
from gateways.embedded_postgres.databases import empty_database
from gateways.embedded_postgres.server import EmbeddedServer
from gateways.ports import free_port
from gateways.rails.signatures import Signatures
from store.db.engine import make_engine, upgrade

SECRET = "whsec_" + "B" * 32
ENVIRON = {"TQS_WEBHOOK_SECRETS": SECRET, "TQS_API_KEY": "a-key-for-the-benchmark", "TQS_RATE_LIMIT": "999999/second"}
TUTORS, STUDENTS, PAST = 1000, 10_000, 100_000
ONE_BY_ONE = "one by one"

_FILL = (
    f"INSERT INTO tutors (tutor_id) SELECT 't' || n FROM generate_series(0, {TUTORS - 1}) AS n",
    f"INSERT INTO students (student_id) SELECT 's' || n FROM generate_series(0, {STUDENTS - 1}) AS n",
    f"""
    INSERT INTO sessions (session_id, tutor_id, student_id, booked_at, starts_at, status, outcome_known_at)
    SELECT
        'past-' || n, 't' || n % {TUTORS}, 's' || n % {STUDENTS // 2}, start - interval '3 days', start, 'completed',
        start + interval '1 hour'
    FROM generate_series(0, {PAST - 1}) AS n, LATERAL (SELECT now() - n * interval '1 minute' AS start) AS at
    """,
)


@contextmanager
def database(folder: Path) -> Iterator[str]:
    """The address of a database with a hundred thousand sessions."""
    with EmbeddedServer(folder) as url:
        engine = make_engine(empty_database(url, "webhooks"))
        upgrade(engine)
        with engine.begin() as connection:
            for statement in _FILL:
                connection.execute(text(statement))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
        address = engine.url.render_as_string(hide_password=False)
        engine.dispose()
        yield address


@contextmanager
def on_uvicorn(database_url: str, folder: Path, kind: str) -> Iterator[str]:
    """The address of the same app without BentoML around it."""
    port = free_port("127.0.0.1")
    own = {"DATABASE_URL": database_url, "TQS_DATA_DIR": str(folder), "TQS_API_PORT": str(port)}
    environ = os.environ | ENVIRON | own
    command = [sys.executable, "-m", "benchmarks.webhooks", "--serve", str(port), kind]
    with server(command, environ, port, "/api/ready", folder / "uvicorn.log") as address:
        yield address


def serve(port: int, kind: str) -> None:
    """Serve the app by uvicorn until stopped."""
    import uvicorn

    from serving.service import app, resources

    if kind == ONE_BY_ONE:
        resources().inbox.largest = 1
    uvicorn.run(app, port=port, log_level="warning", access_log=False)


def signed(name: str, number: int) -> list[bytes]:
    """Requests, each with a different event."""
    return [_signed(f"{name}-{n}", n) for n in range(number)]


def _signed(event_id: str, number: int) -> bytes:
    now = datetime.now(UTC)
    event = example("session.completed") | {"timestamp": now.isoformat()}
    pair = {"tutor_id": f"t{number % TUTORS}", "student_id": f"s{number % STUDENTS}"}
    body = json.dumps(event | {"data": event["data"] | pair | {"session_id": f"session-{event_id}"}})
    return request("POST", "/api/sessions", body.encode(), Signatures((SECRET,)).sign(event_id, body, now))


def cpu_seconds(address: str) -> float:
    """CPU time spent so far by the processes that serve an address, by the port in their environment."""
    spent, port = 0.0, address.rpartition(":")[2]
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("TQS_API_PORT") == port:
                spent += sum(process.cpu_times()[:2])
    return spent


def measured(address: str, name: str, rate: float, seconds: float) -> dict[str, Any]:
    """Latencies in ms at a rate, and maximum throughput; `cpu_ms` is the service's CPU time per webhook."""
    offer(address, signed(f"{name}-warm", 200), 50, 4)
    before = cpu_seconds(address)
    at_rate = offer(address, signed(f"{name}-rate", round(rate * seconds)), rate, seconds)
    cpu = (cpu_seconds(address) - before) / at_rate.latencies.size
    most = {n: saturate(address, signed(f"{name}-{n}", round(1500 * seconds)), seconds, n).summary() for n in (8, 64)}
    return {
        f"at {rate:g}/s": at_rate.summary() | {"cpu_ms": round(1000 * cpu, 2)},
        **{f"{n} connections": figures for n, figures in most.items()},
    }


def compared(folder: Path, rate: float, seconds: float) -> dict[str, Any]:
    """Measure every way of serving in sequence on one database; finally count its events."""
    found: dict[str, Any] = {}
    with database(folder / "database") as url:
        with service(url, folder, SERVER_CORE, **ENVIRON) as address:
            found["python -m serving"] = measured(address, "bento", rate, seconds)
        for kind in ("uvicorn", ONE_BY_ONE):
            with on_uvicorn(url, folder, kind) as address:
                found[kind] = measured(address, kind, rate, seconds)
        engine = make_engine(url)
        with engine.connect() as connection:
            found["events kept"] = connection.execute(text("SELECT count(*) FROM inbox")).scalar_one()
        engine.dispose()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--serve", nargs=2, metavar=("PORT", "KIND"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        pin(SERVER_CORE)
        return serve(int(asked.serve[0]), asked.serve[1])
    pin(LOAD_CORE)
    with tempfile.TemporaryDirectory(prefix="tqs-webhooks-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        found = compared(folder, asked.rate, asked.seconds)
        print(json.dumps(found, indent=2))
        ours, bare = (found[name]["8 connections"]["rate"] for name in ("python -m serving", "uvicorn"))
        record([Line("webhooks accepted, 8 connections", ours, "a second", bare, "bare uvicorn", ours / bare)])


if __name__ == "__main__":
    main()
