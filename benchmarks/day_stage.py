"""Environment of the replayed day: PostgreSQL, service and worker as processes, the Rails app in threads."""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.servers import ROOT, service
from benchmarks.stored import database, no_show_model
from features.base.dataset import Dataset
from features.base.known import known_at
from simulator.day import events_since
from simulator.marketplace import MarketSettings, simulate
from simulator.rails import WEBHOOKS_PATH, RailsApp, running
from store.db.engine import Engine, make_engine

DAY = timedelta(days=1)
KEY = "a-key-for-the-benchmark"
TREES = 200
STOP_SECONDS = 90.0


@dataclass(frozen=True)
class Stage:
    """The running parts: address of the service, database, Rails app, and the market with the played day.

    `environ` is what the service and the worker see; `secret` signs the events; `began` is the day's first moment.
    """

    url: str
    engine: Engine
    rails: RailsApp
    market: Dataset
    began: datetime
    environ: Mapping[str, str]
    secret: str
    worker: "Worker"


@contextmanager
def staged(folder: Path, sessions: int, tutors: int, days: int, fail: float) -> Iterator[Stage]:
    """A market loaded as it was a day ago, with a no-show champion, and everything running on it."""
    now = datetime.now(UTC)
    settings = MarketSettings(tutors=tutors, days=days, sessions_per_day=sessions, end=now)
    market = simulate(settings).dataset
    secret, inbound = (f"whsec_{secrets.token_hex(32)}" for _ in range(2))
    rails = RailsApp(events_since(market, now - DAY), secrets.token_urlsafe(24), [inbound], fail)
    with ExitStack() as stack:
        known = known_at(market, now - DAY)
        model, _ = no_show_model(known, TREES)
        database_url = stack.enter_context(database(folder / "postgresql", known, model, now))
        address = stack.enter_context(running(rails))
        environ = _environ(folder, database_url, address, rails) | {"TQS_WEBHOOK_SECRETS": secret}
        more = {name: value for name, value in environ.items() if name.startswith("TQS_")}
        url = stack.enter_context(service(database_url, folder, **more))
        worker = stack.enter_context(_worker(environ, folder / "worker.log"))
        engine = make_engine(database_url)
        stack.callback(engine.dispose)
        yield Stage(url, engine, rails, market, now - DAY, environ, secret, worker)


def _environ(folder: Path, database_url: str, rails_url: str, rails: RailsApp) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("TQS_")}
    return own | {
        "DATABASE_URL": database_url,
        "TQS_DATA_DIR": str(folder),
        "TQS_API_KEY": KEY,
        "TQS_RATE_LIMIT": "999999/minute",  # the whole day is sent from one address within minutes
        "TQS_RAILS_URL": rails_url,
        "TQS_RAILS_TOKEN": rails.token,
        "TQS_RAILS_WEBHOOK_URL": rails_url + WEBHOOKS_PATH,
        "TQS_RAILS_WEBHOOK_SECRETS": rails.secrets[0],
    }


@dataclass(frozen=True)
class Worker:
    """`tqs worker` as a process."""

    process: subprocess.Popen[bytes]
    log: Path

    def check(self) -> None:
        """Raise RuntimeError with its log if it has ended."""
        if self.process.poll() is not None:
            raise RuntimeError(f"the worker ended: {self.log.read_text(errors='replace')[-4000:]}")


@contextmanager
def _worker(environ: Mapping[str, str], log: Path) -> Iterator[Worker]:
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "worker"], cwd=ROOT, env=dict(environ), stdout=written, stderr=written
        )
    try:
        yield Worker(process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_SECONDS)


def tqs(stage: Stage, *arguments: str) -> str:
    """Output of a command run in the service's environment. Raises RuntimeError with its error output."""
    command = [sys.executable, "-m", "cli", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=dict(stage.environ), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"tqs {' '.join(arguments)}: {done.stderr}")
    return done.stdout.strip()
