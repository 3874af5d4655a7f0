"""Names that resemble markup, are very long or contain control characters, in every command that prints names."""

import json
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from cli.backtest import _print_section
from cli.main import app
from cli.steps import console
from domain.interventions import Arm, ContactPlan, PlannedContact, PlannedSession
from domain.keys import KeyWish
from domain.policy import Principal, Role
from domain.schedules import CRONS, RunOutcome
from domain.scores import Reason, Score
from domain.vocabulary import ScoreKind, SubjectKind
from models.evaluate.report import Section
from store.access.audit import AuditRow, write_rows
from store.access.keys import create_key
from store.contacts.records import save_plan
from store.facts.load import load
from store.inbox.leases import lease_events, park
from store.ledger.models import record_model
from store.operations.schedules import end_run, register_schedules, start_run
from store.scores.records import save_scores
from tests.lib import dataset_parts
from tests.lib.api_parts import small_model
from tests.lib.inbox_parts import event, put, rows
from tests.lib.small_dataset import dataset, session

LONG = "n" * 500
HOSTILE = f"[/bold][red]x\x1b[2J\x9by\u202ez{LONG}"
SHOWN = f"[/bold][red]x\\x1b[2J\\x9by\\u202ez{LONG}"
NOW = datetime.now(UTC).replace(microsecond=0)
SOON = NOW + timedelta(hours=20)

LISTS = ("top", "upcoming", "contacts list", "keys list", "audit", "inbox", "models list", "models show no_show/1")
"""Commands that print the name once with exit code 0, as a table or text and as JSON."""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, database_url: str, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("TQS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setattr("cli.steps.PLAIN_WIDTH", 4000)  # cells are not wrapped, so that names appear in one piece
    monkeypatch.chdir(tmp_path)


def _score(kind: ScoreKind, subject: SubjectKind, subject_id: str) -> Score:
    return Score(
        subject_kind=subject, subject_id=subject_id, kind=kind, value=0.6, low=0.5, high=0.7, action=HOSTILE,
        reasons=(Reason(theme="load", text=HOSTILE, effect=1.0),), model_version="7", as_of=NOW,
    )  # fmt: skip


def _plant_people(engine: Engine) -> None:
    booked = {"status": "booked", "student_id": HOSTILE, "booked_at": NOW - timedelta(days=3), "starts_at": SOON}
    people = {"tutors": [{"tutor_id": "t1", "name": HOSTILE}], "students": [{"student_id": HOSTILE}]}
    load(engine, dataset((), **people, sessions=[session("soon", "t1", **booked, ends_at=None)]))
    save_scores(engine, [_score(ScoreKind.HELP, SubjectKind.TUTOR, "t1")])
    save_scores(engine, [_score(ScoreKind.NO_SHOW, SubjectKind.SESSION, "soon")])
    contact = PlannedContact("t1", Arm.CONTACT, HOSTILE, 1, None, (PlannedSession("soon", SOON, 0.6),))
    save_plan(engine, ContactPlan(SOON.date(), 1, 0.0, 0, (contact,)), NOW)


def _plant_operations(engine: Engine) -> None:
    create_key(engine, KeyWish(HOSTILE, Role.READ), Principal(HOSTILE, Role.ADMIN), NOW, secrets.token_bytes)
    write_rows(engine, [AuditRow(NOW, HOSTILE, Role.READ, "scores.read", HOSTILE)])
    model = small_model()
    record_model(
        engine, "no_show", "no_show/1", model.ubj, model.sidecar.model_dump(mode="json"), HOSTILE, HOSTILE, NOW,
        card=f"# Card\n{HOSTILE}",
    )  # fmt: skip
    put(engine, [event("session.booked", "e1")])
    lease = uuid4()
    park(engine, [leased.id for leased in lease_events(engine, 1, lease, NOW)], lease, HOSTILE, NOW)
    register_schedules(engine, CRONS, NOW)
    end_run(engine, start_run(engine, "score", True, NOW), RunOutcome.FAILED, HOSTILE, NOW)


def _plant_delivery(engine: Engine) -> int:
    (delivery,) = rows(
        engine,
        "INSERT INTO outgoing_messages (channel, key, type, body, created_at, due_at, tries, status, finished_at) "
        "VALUES ('webhook', :name, 'score.changed', '{}', :at, :at, 9, 'failed', :at) RETURNING id",
        name=HOSTILE,
        at=NOW,
    )
    attempt = """
        INSERT INTO delivery_attempts (message_id, at, status_code, error, seconds)
        VALUES (:id, :at, NULL, :name, 1) RETURNING id
    """
    rows(engine, attempt, id=delivery.id, at=NOW, name=HOSTILE)
    return int(delivery.id)


@pytest.fixture
def planted(engine: Engine) -> int:
    """Fill a database so that every text that a command prints is hostile. Returns the number of a failed delivery."""
    _plant_people(engine)
    _plant_operations(engine)
    return _plant_delivery(engine)


def _run(*arguments: str, codes: tuple[int, ...] = (0,)) -> str:
    """Output of a command, after asserting exit code 0 and the absence of control characters."""
    result = CliRunner().invoke(app(), list(arguments))
    assert result.exit_code in codes, (arguments, result.output, result.exception)
    passed = {character for character in result.output if not (character.isprintable() or character == "\n")}
    assert not passed, arguments
    return result.stdout


def test_every_command_that_prints_names_shows_them_as_they_are(planted: int) -> None:
    for command in (*LISTS, "webhooks failed", f"webhooks show {planted}"):
        assert SHOWN in _run(*command.split()), command
        printed = _run(*command.split(), "--json")
        assert json.dumps(HOSTILE)[1:-1] in json.dumps(json.loads(printed)), command


@pytest.mark.usefixtures("planted")
def test_commands_that_change_something_show_names_as_they_are() -> None:
    assert SHOWN in _run("keys", "create", HOSTILE, "--role", "read")
    assert SHOWN in _run("contacts", "done", "1", "--by", HOSTILE)
    assert SHOWN in _run("doctor", codes=(5, 8))


def test_an_import_shows_the_names_of_files_as_they_are(tmp_path: Path) -> None:
    lines = dataset_parts.csv(dataset_parts.GOOD, dataset_parts.session(session_id="s2", status="gone"))
    path = dataset_parts.write(tmp_path, sessions_csv=lines)
    name = "[red]x\x1b[2J\x9by\u202ez"
    hostile = path.rename(path.with_name(f"{name}.yaml"))
    assert "[red]x\\x1b[2J\\x9by\\u202ez.rejects.csv" in _run("import", str(hostile), codes=(3,))
    assert json.loads(_run("import", str(hostile), "--json", codes=(3,)))["rejects"] == f"{name}.rejects.csv"


def test_a_backtest_shows_the_names_of_slices_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    _print_section(console(), Section(HOSTILE, (HOSTILE,), ((HOSTILE,),), HOSTILE))
    printed = capsys.readouterr().out
    assert printed.count(SHOWN) == 4
    assert "\x1b" not in printed
