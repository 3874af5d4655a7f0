"""What every flow needs from the outside, read from the environment once, at the edge."""

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
    """The settings, the migrated database, and where experiments are kept."""

    settings: Settings
    engine: Engine
    tracking_uri: str

    @property
    def artifacts(self) -> Path:
        """Where MLflow keeps the files of its runs."""
        return artifact_root(self.settings)

    @property
    def features(self) -> Path:
        """Where the last feature snapshots lie."""
        return self.settings.data_dir / "features"


@contextmanager
def open_runtime(environ: Mapping[str, str]) -> Iterator[Runtime]:
    """Settings, database (started if embedded, migrated) and tracking URI, for the length of a block.

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
    """The commit checked out in a folder, or `unknown` outside a checkout."""
    found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def moment(as_of: str | None, now: datetime) -> datetime:
    """The moment a flow speaks of: ISO 8601 with an offset, or now."""
    return datetime.fromisoformat(as_of) if as_of else now
