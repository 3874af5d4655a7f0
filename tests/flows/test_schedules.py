"""Schedules: the real Prefect server and `python -m flows.schedules` start flows automatically."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from cli.processes import Processes
from cli.services import prefect_environ, prefect_service, schedules_service
from domain.errors import InvalidSettings, NotEnoughData
from domain.schedules import CRONS, RunOutcome
from gateways.crons import last_due, next_due, read_schedules
from gateways.settings import load_settings
from store.operations.schedules import flow_runs, register_schedules, registered_schedules, run_summaries

EVERY_MINUTE = "* * * * *"
QUICK = {
    "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "2",
    "PREFECT_RUNNER_POLL_FREQUENCY": "1",
    "TQS_SCHEDULES": f"drain={EVERY_MINUTE}; contacts={EVERY_MINUTE}",
}
"""Short intervals: the scheduler's default loop of a minute would slow the test."""

PATIENCE = 150.0


def completed(environ: dict[str, str]) -> set[str]:
    """Names of flows with a completed run that Prefect's scheduler started, as reported by Prefect's API."""
    auth = environ.get("PREFECT_API_AUTH_STRING")
    credentials: Any = tuple(auth.split(":", 1)) if auth else None
    wanted = {"flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}
    with httpx.Client(base_url=environ["PREFECT_API_URL"], auth=credentials, timeout=20) as api:
        runs = api.post("/flow_runs/filter", json=wanted).raise_for_status().json()
        flows = api.post("/flows/filter", json={}).raise_for_status().json()
    names = {flow["id"]: flow["name"] for flow in flows}
    return {names[run["flow_id"]] for run in runs if run["auto_scheduled"]}


@pytest.fixture
def environ(database_url: str, tmp_path: Path) -> dict[str, str]:
    """Environment variables of an installation on the test database."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TQS_", "PREFECT_"))}
    kept |= {"DATABASE_URL": database_url, "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db"}
    kept |= {"TQS_DATA_DIR": str(tmp_path), **QUICK}
    return prefect_environ(load_settings(kept), kept)


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    started = Processes(tmp_path / "logs")
    yield started
    started.stop()


def test_scheduled_runs_of_two_flows_complete_without_anybody_starting_them(
    environ: dict[str, str], processes: Processes, engine: Engine, tmp_path: Path
) -> None:
    server = prefect_service(environ)
    processes.start(server)
    processes.wait_ready(server, PATIENCE)
    processes.start(schedules_service(environ))
    until = time.monotonic() + PATIENCE
    while completed(environ) < {"drain", "contacts"}:
        assert time.monotonic() < until, "\n".join(log.read_text() for log in (tmp_path / "logs").iterdir())
        time.sleep(1)
    ours = run_summaries(engine)
    assert {name for name, summary in ours.items() if summary.last_good and summary.last_scheduled} == {
        "drain",
        "contacts",
    }
    assert {s.flow: s.cron for s in registered_schedules(engine)} == CRONS | {
        "drain": EVERY_MINUTE,
        "contacts": EVERY_MINUTE,
    }


NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def test_a_setting_overrides_and_switches_off_single_schedules() -> None:
    crons = read_schedules("score = */30  * * * *; monitor=off;")
    assert crons == {**{name: cron for name, cron in CRONS.items() if name != "monitor"}, "score": "*/30 * * * *"}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "nightly=5 * * * *",
            "TQS_SCHEDULES: 'nightly=5 \\* \\* \\* \\*': give entries such as .*; the flows are drain",
        ),
        ("score=61 * * * *", "score: '61 .*' is not a cron expression \\(Bad minute\\)"),
        ("score=* * * * * *", "6 fields instead of 5"),
        ("score=0 0 30 2 *", "score: '0 0 30 2 \\*' is not a cron expression"),
        ("score", "'score': give entries such as"),
    ],
)
def test_a_wrong_schedule_is_refused_with_its_place(setting: str, message: str) -> None:
    with pytest.raises(InvalidSettings, match=message):
        load_settings({"TQS_SCHEDULES": setting})


def test_the_due_moments_of_a_schedule_are_strictly_before_and_after() -> None:
    due = datetime(2026, 11, 30, 12, 5, tzinfo=UTC)
    assert (last_due("5 * * * *", due), next_due("5 * * * *", due)) == (
        due - timedelta(hours=1),
        due + timedelta(hours=1),
    )


def test_an_unchanged_schedule_keeps_the_moment_since_when_it_is_served(engine: Engine) -> None:
    register_schedules(engine, {"score": "5 * * * *", "train": "0 3 * * 0"}, NOW)
    register_schedules(engine, {"score": "5 * * * *", "drain": EVERY_MINUTE}, NOW + timedelta(days=1))
    assert [(s.flow, s.since) for s in registered_schedules(engine)] == [
        ("drain", NOW + timedelta(days=1)),
        ("score", NOW),
    ]


@pytest.fixture
def ours(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Point flows of this process to the test database."""
    for name in ("DATABASE_URL", "MLFLOW_TRACKING_URI", "TQS_DATA_DIR"):
        monkeypatch.setenv(name, environ[name])


@pytest.mark.usefixtures("ours")
def test_a_run_is_recorded_with_how_it_ended_and_the_sentence_of_its_error(engine: Engine) -> None:
    from flows.recorded import recorded

    @recorded
    def score(error: BaseException | None = None) -> int:
        if error:
            raise error
        return 3

    assert score() == 3
    for error in (NotEnoughData("200 outcomes are needed"), KeyError("Ada Lovelace"), KeyboardInterrupt()):
        with pytest.raises(type(error)):
            score(error)
    rows = runs(engine)
    assert [(r.outcome, r.error) for r in rows] == [
        ("completed", None),
        ("failed", "200 outcomes are needed"),
        ("failed", "KeyError; see the log of the run"),
        ("stopped", "stopped by KeyboardInterrupt"),
    ]
    assert not any(r.scheduled for r in rows)
    summary = run_summaries(engine)["score"]
    assert (summary.latest.outcome, summary.last_good) == (RunOutcome.STOPPED, rows[0].ended_at)


def test_a_run_that_was_killed_has_a_start_and_no_end(environ: dict[str, str], engine: Engine) -> None:
    code = (
        "import time\nfrom flows.recorded import recorded\n"
        "@recorded\ndef drain(): print('begun', flush=True); time.sleep(60)\ndrain()"
    )
    run = subprocess.Popen([sys.executable, "-c", code], env=environ, stdout=subprocess.PIPE)
    assert run.stdout is not None
    assert run.stdout.readline() == b"begun\n"
    run.send_signal(signal.SIGKILL)
    run.wait()
    run.stdout.close()
    (row,) = runs(engine)
    assert (row.flow, row.ended_at, row.outcome) == ("drain", None, None)


def runs(engine: Engine) -> list[Any]:
    """All rows of runs, in order of their start."""
    with engine.connect() as connection:
        return list(connection.execute(flow_runs.select().order_by(flow_runs.c.id)))
