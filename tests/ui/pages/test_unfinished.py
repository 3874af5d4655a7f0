"""Unfinished work on the dashboard's page and in the admin routes."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from cli.inbox import commands
from serving.resources import Resources
from serving.state.champions import Champions
from store.access.audit import read_rows
from store.inbox.backlog import RETRIED
from store.inbox.leases import lease_events, park
from tests.lib.api_parts import HEADERS, KEY, problem, serving
from tests.lib.inbox_parts import DAY, NOON, event, put, rows
from ui.page import PageRequest
from ui.pages.unfinished import unfinished_view

SCRIPT = "<script>alert(1)</script>"


def _parked(engine: Engine, number: int, reason: str = "ends_at is before starts_at") -> list[int]:
    put(engine, [event("session.booked", f"e{n}") for n in range(number)])
    lease = uuid4()
    ids = [leased.id for leased in lease_events(engine, number, lease, NOON)]
    park(engine, ids, lease, reason, NOON)
    return ids


def _html(engine: Engine) -> str:
    return "".join(str(pane.object) for pane in unfinished_view(PageRequest(engine, NOON)))


def test_the_page_says_that_nothing_is_left_undone(engine: Engine) -> None:
    html = _html(engine)
    assert "0 events waiting; 0 parked" in html
    assert "No event is parked." in html
    assert "No webhook has failed for good" in html


def test_the_page_lists_parked_events_and_failed_deliveries_with_their_reasons(engine: Engine) -> None:
    (row,) = _parked(engine, 1, f"odd {SCRIPT}")
    put(engine, [event("session.booked", "waits")])
    _failed_delivery(engine)
    html = _html(engine)
    assert "1 event waiting, the oldest since Mon 23 Nov 2026, 12:00 UTC; 1 parked" in html
    assert f'<td class="number">{row}</td>' in html
    assert "odd &lt;script&gt;" in html
    assert SCRIPT not in html
    assert "503 took too long" in " ".join(html.split())


def test_the_page_says_why_an_event_that_waits_failed_so_far(engine: Engine) -> None:
    put(engine, [event("session.booked", "new"), event("session.booked", "tried")])
    rows(engine, "UPDATE inbox SET tries = 1, error = 'the disk is full' WHERE key = 'event:tried' RETURNING id")
    html = _html(engine)
    assert "Waiting events with a failed attempt" in html
    assert "the disk is full" in html
    assert "<td>tried</td>" in html
    assert "<td>new</td>" not in html


def _failed_delivery(engine: Engine) -> None:
    (delivery,) = rows(
        engine,
        """
        INSERT INTO outgoing_messages (channel, key, type, body, created_at, due_at, tries, status, finished_at)
        VALUES ('webhook', 'd1', 'score.changed', '{}', :at, :at, 9, 'failed', :failed) RETURNING id
        """,
        at=datetime(2026, 11, 20, tzinfo=UTC),
        failed=NOON + DAY,
    )
    attempt = """
        INSERT INTO delivery_attempts (message_id, at, status_code, error, seconds)
        VALUES (:id, :at, :code, :error, 1) RETURNING id
    """
    for code, error in ((500, "first"), (503, "took too long")):
        rows(engine, attempt, id=delivery.id, at=NOON, code=code, error=error)


@pytest.fixture
def api(engine: Engine) -> Iterator[httpx.Client]:
    resources = Resources(engine, Champions(engine), KEY, lambda: NOON)
    with serving(resources) as address, httpx.Client(base_url=address, headers=HEADERS, timeout=20) as client:
        yield client


def test_the_inbox_is_listed_in_pages_with_reasons_and_no_bodies(api: httpx.Client, engine: Engine) -> None:
    ids = _parked(engine, 3)
    put(engine, [event("session.booked", "waits")])
    first = api.get("/api/admin/inbox", params={"state": "parked", "limit": 2}).json()
    assert (first["waiting"], first["parked"], first["next_after"]) == (1, 3, ids[1])
    assert [found["id"] for found in first["events"]] == ids[:2]
    assert set(first["events"][0]) == {
        "id", "event_id", "type", "received_at", "tries", "due_at", "parked_at", "error",
    }  # fmt: skip
    rest = api.get("/api/admin/inbox", params={"after": first["next_after"]}).json()
    assert ([found["event_id"] for found in rest["events"]], rest["next_after"]) == (["e2"], None)
    waiting = api.get("/api/admin/inbox", params={"state": "waiting"}).json()
    assert [found["event_id"] for found in waiting["events"]] == ["waits"]


def test_a_parked_event_can_be_tried_again_once(api: httpx.Client, engine: Engine) -> None:
    (row,) = _parked(engine, 1)
    assert api.post(f"/api/admin/inbox/{row}/retry").status_code == 202
    assert [leased.id for leased in lease_events(engine, 10, uuid4(), NOON)] == [row]
    problem(api.post(f"/api/admin/inbox/{row}/retry"), 404, "unknown_subject")


def test_all_that_is_parked_can_be_tried_again_at_once_by_api_and_by_command(
    api: httpx.Client, engine: Engine, database_url: str, tmp_path: Path
) -> None:
    ids = _parked(engine, 3)
    assert api.post("/api/admin/inbox/retry_parked").json() == {"retried": ids}
    assert [leased.id for leased in lease_events(engine, 10, uuid4(), NOON)] == ids
    assert sorted(kept.row.subject_id or "" for kept in read_rows(engine) if kept.row.action == RETRIED) == [
        str(row) for row in ids
    ]
    rows(engine, "UPDATE inbox SET parked_at = now() RETURNING id")
    environ = {"DATABASE_URL": database_url, "TQS_DATA_DIR": str(tmp_path)}
    assert CliRunner().invoke(commands(), ["retry", "--all"], env=environ).output == "3 events will be retried\n"


@pytest.mark.parametrize("query", ["state=done", "after=-1", "limit=0", f"after={2**63}"])
def test_a_question_that_cannot_be_asked_is_a_422_problem(api: httpx.Client, query: str) -> None:
    problem(api.get(f"/api/admin/inbox?{query}"), 422, "invalid_request")
