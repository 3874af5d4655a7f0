"""The recipe in docs/rails.md, in a real Rails app, against the real API and a real worker."""

import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url

from domain.events.order import Arrived, read_event
from gateways.embedded_postgres.databases import create_database
from gateways.settings import load_settings
from serving.resources import open_resources
from store.facts.apply_events import apply
from tests.lib.api_parts import KEY, serving
from tests.lib.inbox_parts import one, rows
from tests.lib.paths import ROOT

CLIENT = ROOT / "clients" / "ruby"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
RUBY = shutil.which("ruby")


def _has_rails() -> bool:
    return (
        RUBY is not None
        and subprocess.run([RUBY, "-e", 'require "rails"; require "pg"'], capture_output=True).returncode == 0
    )


pytestmark = [
    pytest.mark.slow,  # Rails starts
    pytest.mark.skipif(not _has_rails(), reason="needs Rails and pg: apt-get install ruby-rails ruby-pg"),
]


def test_the_recipe_runs_in_a_real_rails_app(
    engine: Engine, database_url: str, server_url: str, tmp_path: Path
) -> None:
    app_database = make_url(create_database(server_url, "rails_app")).set(drivername="postgresql")
    settings = load_settings({"TQS_DATA_DIR": str(tmp_path / "data"), "TQS_WEBHOOK_SECRETS": SECRET})
    resources = open_resources(database_url, KEY, settings, lambda: datetime.now(UTC))
    environ = {
        "RAILS_ROOT": str(tmp_path / "app"),
        "RAILS_DATABASE_URL": app_database.render_as_string(hide_password=False),
        "TUTOR_QUALITY_INGEST_KEY": KEY,
        "TUTOR_QUALITY_READ_KEY": KEY,
        "TUTOR_QUALITY_WEBHOOK_SECRETS": SECRET,
        "TUTOR_QUALITY_INBOUND_SECRETS": f"{SECRET}",
        "TUTOR_QUALITY_SYNC_TOKEN": "sync-token",
    }
    with serving(resources) as url:
        done = subprocess.run(
            [str(RUBY), "-Ilib", "test/real_rails.rb"],
            cwd=CLIENT, env=os.environ | environ | {"TUTOR_QUALITY_URL": url},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    resources.close()
    resources.engine.dispose()
    assert "7 runs" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0, done.stdout + done.stderr
    _apply_all(engine)
    session = one(engine, "SELECT * FROM sessions WHERE session_id = 'session-1'")
    assert (session.tutor_id, session.status) == ("tutor-99", "booked")
    assert session.ends_at - session.starts_at == timedelta(hours=1)
    assert one(engine, "SELECT timezone FROM tutors WHERE tutor_id = 'tutor-1'").timezone == "America/New_York"
    assert one(engine, "SELECT initiator, reason_text FROM reschedules") == ("tutor", "I am ill")


def _apply_all(engine: Engine) -> None:
    found = rows(engine, "SELECT id, body, received_at FROM inbox ORDER BY id")
    applied = apply(engine, [Arrived(row.id, read_event(row.body), row.received_at) for row in found])
    assert applied.refused == {}
    with engine.begin() as connection:
        connection.execute(text("UPDATE inbox SET processed_at = now()"))
