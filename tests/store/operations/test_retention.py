"""Retention on a real database: deleted rows, kept rows, and rows that cannot be deleted."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.event import listens_for
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from cli.main import app
from domain.errors import InvalidSettings
from domain.retention import Kept
from domain.schedules import CRONS
from gateways.settings import keep_periods, load_settings
from serving.routes.live import _start
from store.inbox.accept import Acceptance, Arrival, accept_each
from store.operations.retention import sweep
from store.scores.changes import ends_of_changes
from tests.lib.inbox_parts import event, one, put, rows

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
PERIODS = keep_periods(load_settings({}))


def _sweep(engine: Engine, *kinds: Kept, batch: int = 2) -> dict[Kept, int]:
    return sweep(engine, {kind: PERIODS[kind] for kind in kinds}, NOW, batch)


def _ids(engine: Engine, table: str) -> list[int]:
    return [row.id for row in rows(engine, f"SELECT id FROM {table} ORDER BY id")]


def _score(engine: Engine, subject: str, as_of: datetime, kind: str = "help", created: datetime | None = None) -> None:
    with engine.begin() as connection:
        values = {"subject": subject, "kind": kind, "as_of": as_of, "created": created or as_of}
        connection.execute(
            text("""
                INSERT INTO scores (subject_kind, subject_id, kind, value, low, high, reasons, model_version, as_of,
                    created_at)
                VALUES ('tutor', :subject, :kind, .5, .4, .6, '[]', 'm', :as_of, :created)
            """),
            values,
        )


def _change(engine: Engine, subject: str, created: datetime, about: str = "tutor") -> None:
    with engine.begin() as connection:
        connection.execute(
            text("""
                INSERT INTO score_changes (tutor_id, subject_kind, subject_id, kind, value, band, model_version, as_of,
                    created_at)
                VALUES ('t', :about, :subject, 'help', .5, 'ok', 'm', :created, :created)
            """),
            {"about": about, "subject": subject, "created": created},
        )


@pytest.fixture
def finished(engine: Engine) -> list[str]:
    """Events: five finished long ago, one finished recently, one waiting, one parked."""
    names = [f"old-{n}" for n in range(5)] + ["new", "waiting", "parked"]
    put(engine, [event("tutor.updated", name, tutor_id="t", name="Ada Canary") for name in names])
    with engine.begin() as connection:
        done = text("UPDATE inbox SET processed_at = :at WHERE key = ANY (:keys)")
        connection.execute(done, {"at": NOW - 31 * DAY, "keys": [f"event:{n}" for n in names[:5]]})
        connection.execute(done, {"at": NOW - 29 * DAY, "keys": ["event:new"]})
        connection.execute(text("UPDATE inbox SET parked_at = now() - interval '90 days' WHERE key = 'event:parked'"))
    return names


def test_the_content_of_finished_events_goes_after_its_days_and_no_other(engine: Engine, finished: list[str]) -> None:
    assert _sweep(engine, Kept.EVENT_BODIES) == {Kept.EVENT_BODIES: 5}
    left = {row.key for row in rows(engine, "SELECT key FROM inbox WHERE body::text LIKE '%Canary%'")}
    assert left == {"event:new", "event:waiting", "event:parked"}
    assert _sweep(engine, Kept.EVENT_BODIES) == {Kept.EVENT_BODIES: 0}


def test_an_event_whose_content_is_gone_is_still_known(engine: Engine) -> None:
    arrival, other = (
        Arrival("evt", "tutor.updated", event("tutor.updated", "evt", tutor_id=tutor)) for tutor in ("t", "u")
    )
    assert accept_each(engine, [arrival], "webhook", NOW) == [Acceptance.NEW]
    with engine.begin() as connection:
        connection.execute(text("UPDATE inbox SET processed_at = :at"), {"at": NOW - 40 * DAY})
    assert _sweep(engine, Kept.EVENT_BODIES) == {Kept.EVENT_BODIES: 1}
    assert accept_each(engine, [arrival], "webhook", NOW) == [Acceptance.SAME]
    assert accept_each(engine, [other], "webhook", NOW) == [Acceptance.CONFLICT]


def test_of_earlier_days_the_last_score_of_each_subject_and_kind_stays(engine: Engine) -> None:
    long_ago = (NOW - 100 * DAY).replace(hour=0, minute=0, second=0)
    for hour in (1, 5, 23):
        _score(engine, "ada", long_ago + timedelta(hours=hour))
    _score(engine, "ada", long_ago + timedelta(hours=25))  # the only one of the next day
    _score(engine, "ada", long_ago + timedelta(hours=2), kind="churn_30d")
    _score(engine, "ben", long_ago + timedelta(hours=2))
    for hour in (1, 2):
        _score(engine, "ada", NOW - 80 * DAY + timedelta(hours=hour))
    _score(engine, "late", long_ago, created=NOW)  # computed now as of then: too recent to delete
    _score(engine, "late", long_ago + timedelta(hours=1), created=NOW)
    assert _sweep(engine, Kept.SCORES, batch=1) == {Kept.SCORES: 2}
    assert _ids(engine, "scores") == [3, 4, 5, 6, 7, 8, 9, 10]
    assert _sweep(engine, Kept.SCORES) == {Kept.SCORES: 0}
    assert one(engine, "SELECT count(*) AS n FROM latest_scores WHERE subject_id = 'ada'").n == 2


def test_changes_go_but_for_the_newest_of_each_tutor_and_a_client_that_is_behind_is_told(engine: Engine) -> None:
    for _ in range(3):
        _change(engine, "ada", NOW - 40 * DAY)
    _change(engine, "session-1", NOW - 40 * DAY, about="session")
    _change(engine, "ben", NOW - DAY)
    assert ends_of_changes(engine) == (1, 5)
    assert _sweep(engine, Kept.CHANGES) == {Kept.CHANGES: 3}
    assert _ids(engine, "score_changes") == [3, 5]
    assert ends_of_changes(engine) == (5, 5)
    assert _start(2, ends_of_changes(engine)) == (5, True)
    assert _start(4, ends_of_changes(engine)) == (4, False)
    assert _sweep(engine, Kept.CHANGES) == {Kept.CHANGES: 0}


def test_webhooks_that_are_done_go_with_their_attempts_and_those_that_wait_stay(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(
            text("""
                INSERT INTO outgoing_messages (channel, key, type, body, created_at, due_at, status, finished_at)
                SELECT 'webhook', 'e' || n, 't', '{}', :old, :old,
                    CASE WHEN n < 3 THEN 'delivered' WHEN n = 3 THEN 'failed' ELSE 'pending' END,
                    CASE WHEN n < 4 THEN CAST(:old AS timestamptz) END
                FROM generate_series(1, 4) AS n
            """),
            {"old": NOW - 31 * DAY},
        )
        connection.execute(
            text("INSERT INTO delivery_attempts (message_id, at, seconds) SELECT id, now(), 1 FROM outgoing_messages")
        )
    assert _sweep(engine, Kept.DELIVERIES) == {Kept.DELIVERIES: 3}
    assert _ids(engine, "outgoing_messages") == [4]
    assert [row.message_id for row in rows(engine, "SELECT message_id FROM delivery_attempts")] == [4]


def test_the_content_of_sent_mails_goes_and_the_row_stays(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(
            text("""
                INSERT INTO outgoing_messages (channel, key, type, body, created_at, due_at, status, finished_at)
                SELECT 'mail', status, 'drift',
                    '{"to": "a@example.org", "subject": "About Ada", "text": "Ada", "html": "<p>Ada"}', :old, :old,
                    status, CASE WHEN status <> 'pending' THEN CAST(:old AS timestamptz) END
                FROM unnest(ARRAY['delivered', 'failed', 'unknown', 'pending']) AS status
            """),
            {"old": NOW - 91 * DAY},
        )
    assert _sweep(engine, Kept.MAILS) == {Kept.MAILS: 2}
    messages = rows(engine, "SELECT key FROM outgoing_messages AS m WHERE (m.*)::text LIKE '%Ada%' ORDER BY key")
    assert [row.key for row in messages] == ["pending", "unknown"]


def test_audit_and_shadow_scores_go_after_their_days(engine: Engine) -> None:
    with engine.begin() as connection:
        for days in (800, 729):
            at = {"at": NOW - days * DAY}
            connection.execute(text("INSERT INTO audit (at, actor, role, action) VALUES (:at, 'a', 'read', 'x')"), at)
        for days in (181, 179):
            connection.execute(
                text("""
                    INSERT INTO shadow_scores (subject_kind, subject_id, kind, value, model_version, as_of, created_at)
                    VALUES ('tutor', 't', 'help', .5, 'm', :at, :at)
                """),
                {"at": NOW - days * DAY},
            )
    assert _sweep(engine, Kept.AUDIT, Kept.SHADOW_SCORES) == {Kept.AUDIT: 1, Kept.SHADOW_SCORES: 1}
    assert _ids(engine, "audit") == _ids(engine, "shadow_scores") == [2]


def test_old_runs_go_but_for_the_newest_of_each_flow_and_outcome(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(
            text("""
                INSERT INTO flow_runs (flow, scheduled, started_at, ended_at, outcome)
                SELECT flow, true, :now - make_interval(days => days), :now, outcome
                FROM (VALUES ('score', 99, 'completed'), ('score', 98, 'completed'), ('score', 97, 'failed'),
                    ('score', 89, 'failed'), ('train', 200, 'completed')) AS run (flow, days, outcome)
            """),
            {"now": NOW},
        )
    assert _sweep(engine, Kept.RUNS) == {Kept.RUNS: 2}
    assert _ids(engine, "flow_runs") == [2, 4, 5]
    assert _sweep(engine, Kept.RUNS) == {Kept.RUNS: 0}


def test_a_sweep_stopped_between_batches_keeps_its_work_and_the_next_one_finishes(
    engine: Engine, finished: list[str]
) -> None:
    commits = []

    @listens_for(engine, "commit")
    def stop_after_one_batch(_: Connection) -> None:
        commits.append(1)
        if len(commits) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _sweep(engine, Kept.EVENT_BODIES)
    emptied = "SELECT count(*) AS n FROM inbox WHERE body = '{}'"
    assert one(engine, emptied).n == 2
    assert _sweep(engine, Kept.EVENT_BODIES) == {Kept.EVENT_BODIES: 3}
    assert one(engine, emptied).n == 5


_YOUNG = {
    "scores": "INSERT INTO scores (subject_kind, subject_id, kind, value, low, high, reasons, model_version, as_of) "
    "VALUES ('tutor', 't', 'help', .5, .4, .6, '[]', 'm', now())",
    "shadow_scores": "INSERT INTO shadow_scores (subject_kind, subject_id, kind, value, model_version, as_of) "
    "VALUES ('tutor', 't', 'help', .5, 'm', now())",
    "audit": "INSERT INTO audit (at, actor, role, action) VALUES (now() - interval '29 days', 'a', 'read', 'x')",
}


@pytest.mark.parametrize("statement", ["DELETE FROM", "TRUNCATE"])
@pytest.mark.parametrize("table", sorted(_YOUNG))
def test_a_sweep_can_neither_delete_young_rows_nor_truncate(engine: Engine, table: str, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(_YOUNG[table]))
    with engine.connect() as connection:
        connection.execute(text("SELECT set_config('tqs.purpose', 'retention', true)"))
        with pytest.raises(DBAPIError, match=f"{statement.split()[0]} refused"):
            connection.execute(text(f"{statement} {table}"))
    assert _ids(engine, table) == [1]


@pytest.mark.parametrize("purpose", ["", "erase", "retention"])
def test_nobody_else_deletes_scores_and_a_sweep_no_young_ones(engine: Engine, purpose: str) -> None:
    _score(engine, "ada", NOW - (10 if purpose == "retention" else 100) * DAY)
    named = {"purpose": purpose}
    with engine.connect() as connection:
        connection.execute(text("SELECT set_config('tqs.purpose', :purpose, true)"), named)
        with pytest.raises(DBAPIError, match="refused"):
            connection.execute(text("DELETE FROM scores"))
    assert _ids(engine, "scores") == [1]


def test_the_command_runs_the_flow_which_sweeps_by_the_settings_and_records_its_run(
    engine: Engine, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finished: list[str]
) -> None:
    assert CRONS["retention"]
    for name, value in {
        "DATABASE_URL": database_url,
        "TQS_DATA_DIR": str(tmp_path),
        "TQS_KEEP_AUDIT_DAYS": "0",
    }.items():
        monkeypatch.setenv(name, value)
    with engine.begin() as connection:
        expiries = "('over', 1, now() - interval '1 second'), ('counting', 1, now() + interval '1 hour')"
        connection.execute(text(f"INSERT INTO rate_limits (key, count, expires_at) VALUES {expiries}"))
    result = CliRunner().invoke(app(), ["retention", "--json"])
    removed = json.loads(result.stdout)["removed"]
    assert removed["inbox"] == 5
    assert [row.key for row in rows(engine, "SELECT key FROM rate_limits")] == ["counting"]
    assert "audit" not in removed
    assert one(engine, "SELECT flow, outcome FROM flow_runs") == ("retention", "completed")


def test_a_period_is_for_ever_or_at_least_a_month() -> None:
    assert Kept.SCORES not in keep_periods(load_settings({"TQS_KEEP_SCORES_DAYS": "0"}))
    with pytest.raises(InvalidSettings, match="TQS_KEEP_AUDIT_DAYS: give 0 for no limit, or at least 30 days"):
        load_settings({"TQS_KEEP_AUDIT_DAYS": "29"})
