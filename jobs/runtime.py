"""Runtime of flows and commands: settings, database and tracking URI, read from the environment once."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateways.embedded_postgres.server import running_database
from gateways.registry.tracking import artifact_root, given_tracking_uri, own_tracking_uri
from gateways.settings import Settings, load_settings
from store.db.engine import Engine, make_engine, upgrade


@dataclass(frozen=True)
class Runtime:
    """Settings, migrated database, and MLflow's tracking URI."""

    settings: Settings
    engine: Engine
    tracking_uri: str

    @property
    def artifacts(self) -> Path:
        """Folder of MLflow's artifacts."""
        return artifact_root(self.settings)

    @property
    def features(self) -> Path:
        """Folder of the newest feature snapshots."""
        return self.settings.data_dir / "features"


@contextmanager
def open_runtime(environ: Mapping[str, str]) -> Iterator[Runtime]:
    """Open the runtime for the length of the block: the database is started if embedded, and migrated.

    Raises InvalidSettings, DatabaseUnavailable.
    """
    settings = load_settings(environ)
    with running_database(settings) as url:
        engine = make_engine(url)
        try:
            upgrade(engine)
            tracking_uri = given_tracking_uri(environ, Path.cwd()) or own_tracking_uri(url)
            yield Runtime(settings, engine, tracking_uri)
        finally:
            engine.dispose()


def git_commit(folder: Path) -> str:
    """Git commit of a folder, or `unknown` outside a checkout."""
    found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def moment(as_of: str | None, now: datetime) -> datetime:
    """Parse an as-of moment in ISO 8601 with an offset; `now` without one."""
    return datetime.fromisoformat(as_of) if as_of else now
