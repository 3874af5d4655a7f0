"""Service, worker and PostgreSQL as separate processes, a persistent sender, and the invariants to check."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx
import psutil  # type: ignore[import-untyped]
from sqlalchemy import Engine, text

from domain.events.examples import example
from gateways.embedded_postgres.server import EmbeddedServer
from gateways.ports import free_port
from gateways.rails.signatures import Signatures
from store.db.engine import make_engine, upgrade

SECRET = "whsec_" + "C" * 32
TUTORS = 100
PATIENCE = 180.0
"""Seconds after which a test gives up: two cores may be shared with other work."""

_SIGNATURES = Signatures((SECRET,))
_WAIT_SECONDS = 0.2
_UNANSWERED = 0


def sessions(number: int, seed: int, now: datetime) -> list[dict[str, Any]]:
    """Events of `number` sessions held and rated in the last thirty days, in order; ids depend on the seed."""
    rng = Random(seed)
    starts = sorted(now - timedelta(minutes=rng.randrange(120, 30 * 24 * 60)) for _ in range(number))
    return [_held(rng, f"{seed}-{n}", starts_at) for n, starts_at in enumerate(starts)]


def _held(rng: Random, name: str, starts_at: datetime) -> dict[str, Any]:
    ends_at = starts_at + timedelta(hours=1)
    data = {
        "session_id": f"session-{name}",
        "tutor_id": f"tutor-{rng.randrange(TUTORS)}",
        "student_id": f"student-{rng.randrange(4 * TUTORS)}",
        "booked_at": (starts_at - timedelta(days=3)).isoformat(),
        "starts_at": starts_at.isoformat(),
        "ends_at": ends_at.isoformat(),
        "rating": rng.randrange(1, 6),
    }
    event = example("session.completed")
    return event | {"id": f"event-{name}", "timestamp": ends_at.isoformat(), "data": event["data"] | data}


@dataclass
class Sender:
    """Sender that retries each event until it is accepted, as Rails does, and sends some of them twice."""

    address: str
    at_once: int = 8
    twice: float = 0.05
    per_second: float = 1000.0
    taken: list[str] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)
    refusals: list[str] = field(default_factory=list)

    def send_all(self, events: Sequence[Mapping[str, Any]], seed: int = 0) -> None:
        """Send all events, `at_once` concurrently, at most `per_second`."""
        again = Random(seed)
        begin = time.monotonic()
        with httpx.Client(base_url=self.address, timeout=15) as http, ThreadPoolExecutor(self.at_once) as pool:
            sends = []
            for n, event in enumerate(events):
                time.sleep(max(0.0, begin + n / self.per_second - time.monotonic()))
                for _ in range(1 + (again.random() < self.twice)):
                    sends.append(pool.submit(self._send, http, event))
            for one in sends:
                one.result()

    def _send(self, http: httpx.Client, event: Mapping[str, Any]) -> None:
        body = json.dumps(event)
        until = time.monotonic() + 10 * PATIENCE
        while not self._is_taken(http, event["id"], body):
            assert time.monotonic() < until, f"{event['id']} was not accepted: {self.answers}"
            time.sleep(_WAIT_SECONDS)
        self.taken.append(event["id"])

    def _is_taken(self, http: httpx.Client, event_id: str, body: str) -> bool:
        headers = _SIGNATURES.sign(event_id, body, datetime.now(UTC)) | {"Content-Type": "application/json"}
        try:
            answer = http.post("/api/sessions", content=body, headers=headers)
        except httpx.TransportError:
            self.answers[_UNANSWERED] += 1
            return False
        self.answers[answer.status_code] += 1
        if answer.status_code != 202:
            self.refusals.append(f"{answer.status_code} {answer.headers.get('content-type')} {answer.text[:300]}")
        return answer.status_code == 202

    def check_refusals(self) -> None:
        """Check that every response other than 202 was a 503 problem document."""
        odd = [r for r in self.refusals if not r.startswith("503 application/problem+json")]
        assert odd == [], odd[:3]


class Process:
    """A program that can be killed and restarted; its log is kept."""

    def __init__(self, module: str, arguments: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
        self._command = [sys.executable, "-m", module, *arguments]
        self._environ, self.log = dict(environ), log
        self.kills = 0
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the program in its own process session."""
        with self.log.open("ab") as log:
            self._running = subprocess.Popen(
                self._command, env=self._environ, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def is_running(self) -> bool:
        """True while the program runs."""
        return self._running is not None and self._running.poll() is None

    def kill(self) -> None:
        """Send SIGKILL to the program and its children."""
        assert self._running is not None
        assert self.is_running, f"the program ended by itself: {self.log.read_text()[-2000:]}"
        whole = psutil.Process(self._running.pid)
        for process in (whole, *whole.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._running.wait()
        self.kills += 1

    def end(self) -> None:
        """Kill the program if it runs, without counting the kill."""
        if self.is_running:
            self.kill()
            self.kills -= 1


class Database:
    """A PostgreSQL server of one test that can be stopped and restarted."""

    def __init__(self, folder: Path, options: Mapping[str, str] | None = None) -> None:
        self._server = EmbeddedServer(folder, {"shared_buffers": "32MB", **(options or {})})
        self._pid_file = folder / "postgres" / "cluster" / "postmaster.pid"
        self.url = self._server.start()
        self.restarts = 0
        engine = make_engine(self.url)
        upgrade(engine)
        engine.dispose()

    def stop(self, how: signal.Signals) -> None:
        """Stop the server: SIGINT is a fast shutdown, SIGQUIT an immediate one that requires recovery."""
        postmaster = psutil.Process(int(self._pid_file.read_text().splitlines()[0]))
        postmaster.send_signal(how)
        postmaster.wait(PATIENCE)

    def start(self) -> None:
        """Restart the server at its previous address."""
        assert self._server.start() == self.url, "the address changed after the restart"
        self.restarts += 1

    def end(self) -> None:
        """Stop the server at the end of the test."""
        self._server.stop()


@dataclass
class Stage:
    """The running system: database, service, worker, and an engine for inspection."""

    database: Database
    engine: Engine
    service: Process
    worker: Process
    address: str

    def wait_ready(self) -> None:
        """Wait until the service reports ready."""
        until = time.monotonic() + PATIENCE
        while not self.is_ready():
            assert time.monotonic() < until, f"not ready: {self.service.log.read_text()[-2000:]}"
            time.sleep(0.1)

    def is_ready(self) -> bool:
        """True if the service reports ready."""
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.address}/api/ready", timeout=5).status_code == 200
        return False

    def left(self) -> int:
        """Number of events that are neither processed nor parked."""
        return self.count("SELECT count(*) FROM inbox WHERE processed_at IS NULL AND parked_at IS NULL")

    def wait_done(self) -> None:
        """Wait until the worker has processed or parked every event."""
        until = time.monotonic() + PATIENCE
        while self.left():
            assert time.monotonic() < until, f"{self.left()} events left: {self.worker.log.read_text()[-3000:]}"
            time.sleep(0.2)

    def count(self, query: str) -> int:
        """Integer result of a query that returns one row and column."""
        with self.engine.begin() as connection:
            return int(connection.execute(text(query)).scalar_one())


def _environ(folder: Path, url: str, port: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TQS_", "BENTOML_"))}
    return kept | {
        "DATABASE_URL": url,
        "TQS_DATA_DIR": str(folder / "data"),
        "TQS_API_PORT": str(port),
        "TQS_API_KEY": "a-key-of-chaos",
        "TQS_WEBHOOK_SECRETS": SECRET,
        "TQS_RATE_LIMIT": "900000/minute",
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
        "MLFLOW_TRACKING_URI": str(folder / "mlflow"),
    }


@contextmanager
def stage(folder: Path, options: Mapping[str, str] | None = None, cluster: Path | None = None) -> Iterator[Stage]:
    """Start the system, and remove it after the block. `cluster` is the database's folder, by default `folder`."""
    database = Database(cluster or folder, options)
    port = free_port("127.0.0.1")
    environ = _environ(folder, database.url, port)
    service = Process("serving", (), environ, folder / "service.log")
    worker = Process("cli", ("worker",), environ, folder / "worker.log")
    started = Stage(database, make_engine(database.url), service, worker, f"http://127.0.0.1:{port}")
    try:
        service.start()
        worker.start()
        started.wait_ready()
        yield started
    finally:
        service.end()
        worker.end()
        started.engine.dispose()
        database.end()


@contextmanager
def sending(sender: Sender, events: Sequence[Mapping[str, Any]]) -> Iterator[threading.Event]:
    """Send while the block runs, then wait for the last event. Yields a flag that is set once all are accepted."""
    over, failures = threading.Event(), list[BaseException]()

    def send() -> None:
        try:
            sender.send_all(events)
        except BaseException as error:
            failures.append(error)
        finally:
            over.set()

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield over
    finally:
        thread.join()
    if failures:
        raise failures[0]


def check_all_there(stage: Stage, sender: Sender, events: Sequence[Mapping[str, Any]]) -> None:
    """Check that every event is stored and processed once, and every session stored with one quality score."""
    assert set(sender.taken) == {event["id"] for event in events}
    keys = _column(stage.engine, "SELECT substr(key, 7) FROM inbox WHERE source = 'webhook'")
    assert sorted(keys) == sorted(event["id"] for event in events), "the inbox differs from the events sent"
    assert _column(stage.engine, "SELECT error FROM inbox WHERE parked_at IS NOT NULL") == []
    assert stage.count("SELECT count(*) FROM inbox WHERE processed_at IS NULL") == 0
    held = sorted(event["data"]["session_id"] for event in events)
    assert sorted(_column(stage.engine, "SELECT session_id FROM sessions WHERE status = 'completed'")) == held
    quality = "SELECT subject_id FROM scores WHERE subject_kind = 'session' AND kind = 'session_quality'"
    assert sorted(_column(stage.engine, quality)) == held, "a session has no quality score, or two"
    assert stage.count(_TWICE) == 0, "a tutor has two scores as of one moment"
    assert stage.count(_UNSCORED) == 0, "a tutor has no score later than their last session"


_TWICE = """
    SELECT count(*) FROM (
        SELECT FROM scores GROUP BY subject_kind, subject_id, kind, as_of, model_version HAVING count(*) > 1
    ) AS twice
"""
_UNSCORED = """
    SELECT count(*) FROM (
        SELECT s.tutor_id FROM sessions AS s JOIN inbox AS i ON i.body -> 'data' ->> 'session_id' = s.session_id
        GROUP BY s.tutor_id
        HAVING max(i.processed_at) > coalesce((
            SELECT max(as_of) FROM scores
            WHERE subject_kind = 'tutor' AND subject_id = s.tutor_id AND kind = 'reschedule_rate_30d'
        ), '-infinity')
    ) AS unscored
"""


def _column(engine: Engine, query: str) -> list[Any]:
    with engine.begin() as connection:
        return list(connection.execute(text(query)).scalars())
