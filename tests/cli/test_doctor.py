"""`tqs doctor` with everything running, and with each part unavailable: stopped or at a closed port."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from typer.testing import CliRunner

from cli.main import app
from domain.schedules import CRONS, RunOutcome
from gateways.clock import utc_now
from jobs.heartbeat import beating
from simulator.mail_sink import MailSink
from store.db.engine import downgrade, upgrade
from store.operations.schedules import end_run, register_schedules, start_run
from tests.lib.inbox_parts import event, put

CLOSED = 1
"""A port at which nothing listens."""


class Prefect(BaseHTTPRequestHandler):
    """Stand-in for Prefect's deployments API: lists `names` to callers with the credentials `admin:right`."""

    names: tuple[str, ...] = tuple(CRONS)

    def do_POST(self) -> None:
        signed_in = self.headers.get("Authorization") == "Basic YWRtaW46cmlnaHQ="
        flows = [{"id": name, "name": name} for name in self.names]
        active = [
            {"name": "scheduled", "flow_id": n, "paused": False, "schedules": [{"active": True}]} for n in self.names
        ]
        body = json.dumps(flows if self.path == "/api/flows/filter" else active).encode()
        self.send_response(200 if signed_in else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


@pytest.fixture
def prefect() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Prefect)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/api"
    server.shutdown()
    server.server_close()


@pytest.fixture
def healthy(
    engine: Engine, database_url: str, prefect: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[pytest.MonkeyPatch]:
    """Environment variables of an installation in which everything runs."""
    now = utc_now()
    register_schedules(engine, CRONS, now)
    for flow in CRONS:
        end_run(engine, start_run(engine, flow, True, now), RunOutcome.COMPLETED, None, now)
    with MailSink(tmp_path / "mails") as sink, beating(engine, utc_now) as beat:
        beat()
        monkeypatch.setenv("DATABASE_URL", database_url)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
        monkeypatch.setenv("TQS_DATA_DIR", str(tmp_path))
        monkeypatch.setenv("TQS_SMTP_URL", sink.url)
        monkeypatch.setenv("PREFECT_API_URL", prefect)
        monkeypatch.setenv("PREFECT_API_AUTH_STRING", "admin:right")
        yield monkeypatch


def examined() -> tuple[int, dict[str, dict[str, Any]]]:
    """Exit code and findings by check of `tqs doctor --json`."""
    result = CliRunner().invoke(app(), ["doctor", "--json"])
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result.exit_code, {finding["check"]: finding for finding in json.loads(result.stdout)["findings"]}


def faults(findings: dict[str, dict[str, Any]]) -> set[str]:
    return {check for check, finding in findings.items() if finding["level"] == "fault"}


@pytest.mark.usefixtures("healthy")
def test_an_installation_in_which_everything_runs_has_no_fault() -> None:
    code, findings = examined()
    assert (code, faults(findings)) == (0, set())
    assert findings.keys() == {
        "database", "schema", "clock", *(f"schedule {flow}" for flow in CRONS), "worker", "inbox",
        "model no_show", "model churn", "outbox", "prefect", "mlflow", "mail", "disk",
    }  # fmt: skip
    assert "last successful run" in findings["schedule score"]["what"]
    assert {check for check, finding in findings.items() if finding["level"] == "warning"} == {
        "model no_show",
        "model churn",
    }
    printed = CliRunner().invoke(app(), ["doctor"])
    assert printed.exit_code == 0
    assert "0 faults, 2 warnings" in printed.stdout


def test_with_everything_away_it_says_so_of_each_within_seconds(healthy: pytest.MonkeyPatch) -> None:
    healthy.setenv("DATABASE_URL", f"postgresql://nobody:secret@127.0.0.1:{CLOSED}/tqs")
    healthy.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{CLOSED}")
    healthy.setenv("TQS_SMTP_URL", f"smtp://127.0.0.1:{CLOSED}")
    healthy.setenv("PREFECT_API_URL", f"http://127.0.0.1:{CLOSED}/api")
    began = time.monotonic()
    code, findings = examined()
    assert time.monotonic() - began < 10
    assert (code, faults(findings)) == (5, {"database", "prefect", "mlflow", "mail"})
    assert "secret" not in str(findings)
    assert all(finding["advice"] for finding in findings.values() if finding["level"] != "ok")


@pytest.mark.parametrize(
    ("variable", "value", "check"),
    [
        ("MLFLOW_TRACKING_URI", "http://127.0.0.1:1", "mlflow"),
        ("TQS_SMTP_URL", "smtp://127.0.0.1:1", "mail"),
        ("PREFECT_API_URL", "http://127.0.0.1:1/api", "prefect"),
        ("PREFECT_API_AUTH_STRING", "admin:wrong", "prefect"),
    ],
)
def test_one_service_away_is_the_only_fault(healthy: pytest.MonkeyPatch, variable: str, value: str, check: str) -> None:
    healthy.setenv(variable, value)
    code, findings = examined()
    assert (code, faults(findings)) == (5, {check})


def test_an_embedded_database_that_does_not_run_is_not_started(healthy: pytest.MonkeyPatch, tmp_path: Path) -> None:
    healthy.delenv("DATABASE_URL")
    code, findings = examined()
    assert (code, faults(findings)) == (5, {"database"})
    assert not (tmp_path / "postgres").exists()


@pytest.mark.usefixtures("healthy")
def test_a_schema_of_another_version_is_a_fault(engine: Engine) -> None:
    downgrade(engine, "-1")
    code, findings = examined()
    upgrade(engine)
    assert (code, faults(findings)) == (8, {"schema"})
    assert "this code requires" in findings["schema"]["what"]


@pytest.mark.usefixtures("healthy")
def test_what_waits_in_the_rows_is_a_fault(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Prefect, "names", ("drain",))
    long_ago = utc_now() - timedelta(hours=1)
    put(engine, [event("tutor.updated", "e1")], received_at=long_ago)
    with engine.begin() as connection:
        connection.execute(text("UPDATE workers SET seen_at = :at"), {"at": long_ago})
        connection.execute(
            text("INSERT INTO outgoing_messages (channel, key, type, body, created_at, due_at, status, finished_at) "
                 "VALUES ('mail', 'k', 'drift', '{}', :at, :at, 'failed', :at)"),
            {"at": long_ago},
        )  # fmt: skip
    end_run(engine, start_run(engine, "score", True, utc_now()), RunOutcome.FAILED, "no room", utc_now())
    code, findings = examined()
    assert (code, faults(findings)) == (8, {"worker", "inbox", "outbox", "prefect", "schedule score"})
    assert "no room" in findings["schedule score"]["what"]
    assert "train" in findings["prefect"]["what"]
