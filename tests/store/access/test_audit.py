"""The audit log: reads of tutors' data and administrators' actions, written before the response is sent."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from cli.main import app
from domain.policy import Role
from serving.http.group_commit import GroupCommit, in_thread
from serving.resources import Resources
from store.access.audit import AuditRow, StoredRow, read_rows, write_rows
from store.db.engine import Engine
from store.facts.load import load
from store.inbox.backlog import backlog
from tests.lib.access_parts import bearer, new_key, resources_of
from tests.lib.api_parts import HEADERS, NOW, marketplace, problem, register, serving, small_model

SCORES = "GET /api/tutors/{tutor_id}/scores"


@pytest.fixture
def resources(engine: Engine) -> Resources:
    load(engine, marketplace())
    register(engine, small_model())
    return resources_of(engine)


@pytest.fixture
def api(resources: Resources) -> Iterator[httpx.Client]:
    with serving(resources) as address, httpx.Client(base_url=address, headers=HEADERS, timeout=20) as client:
        yield client


def _rows(engine: Engine, subject: str | None = None) -> list[tuple[str, Role, str, str | None]]:
    return [(k.row.actor, k.row.role, k.row.action, k.row.subject_id) for k in read_rows(engine, subject)]


def test_a_read_of_a_tutors_data_is_written_down_with_its_reader_and_request(api: httpx.Client, engine: Engine) -> None:
    key, written = new_key(engine)
    answer = api.get("/api/tutors/ada/scores", headers=bearer(written))
    (kept,) = read_rows(engine, "ada")
    assert (kept.row.actor, kept.row.role, kept.row.action) == (key.id, Role.READ, SCORES)
    assert (kept.row.request_id, kept.row.at) == (answer.headers["x-request-id"], NOW)


def test_a_prediction_about_a_tutor_is_a_read_and_one_about_columns_is_not(api: httpx.Client, engine: Engine) -> None:
    assert api.post("/api/predict/no_show", json={"session_id": "next"}).status_code == 200
    assert _rows(engine) == [("installation", Role.ADMIN, "POST /api/predict/no_show", "ada")]
    columns = {"no_show_rate": 0.5, "hours_to_start": 10}
    api.post("/api/predict/no_show", json={"features": columns})
    assert len(_rows(engine)) == 1


def test_a_list_is_a_read_of_each_tutor_in_it(api: httpx.Client, engine: Engine) -> None:
    assert api.get("/api/tutors").status_code == 200
    assert {row[3] for row in _rows(engine)} == {"ada", "ben"}
    assert api.get("/api/sessions/upcoming").status_code == 200
    assert [row[2] for row in _rows(engine, "ada")] == ["GET /api/sessions/upcoming", "GET /api/tutors"]


def test_what_was_refused_or_had_not_changed_was_not_read(api: httpx.Client, engine: Engine) -> None:
    _, tutor = new_key(engine, Role.TUTOR, "ben")
    before = len(_rows(engine))
    problem(api.get("/api/tutors/ada/scores", headers=bearer(tutor)), 403, "forbidden")
    problem(api.get("/api/tutors/nobody/scores"), 404, "unknown_subject")
    assert len(_rows(engine)) == before
    etag = api.get("/api/tutors/ada/scores").headers["etag"]
    assert api.get("/api/tutors/ada/scores", headers={"if-none-match": etag}).status_code == 304
    assert len(_rows(engine)) == before + 1


def test_acts_of_an_administrator_are_written_down_once(api: httpx.Client, engine: Engine) -> None:
    key_id = api.post("/api/admin/keys", json={"name": "x", "role": "read"}).json()["id"]
    assert api.delete(f"/api/admin/keys/{key_id}").status_code == 204
    assert api.get("/api/admin/keys").status_code == 200
    assert [row[2:] for row in _rows(engine)] == [
        ("GET /api/admin/keys", None),
        ("keys.revoke", key_id),
        ("keys.create", key_id),
    ]


def test_an_act_whose_row_cannot_be_written_is_not_done(api: httpx.Client, engine: Engine) -> None:
    number = _parked(engine)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE audit ADD CONSTRAINT full_disk CHECK (false) NOT VALID"))
    problem(api.post(f"/api/admin/inbox/{number}/retry"), 500, "internal_error")
    assert backlog(engine).parked == 1


def _parked(engine: Engine) -> int:
    with engine.begin() as connection:
        parked = (
            "INSERT INTO inbox (source, key, body, received_at, parked_at) VALUES ('webhook', 'k', '{}', :now, :now)"
        )
        return int(connection.execute(text(f"{parked} RETURNING id"), {"now": NOW}).scalar_one())


def test_an_operators_acts_at_the_command_line_are_written_down_too(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    number = _parked(engine)
    environ = {"DATABASE_URL": database_url, "TQS_DATA_DIR": str(tmp_path), "MLFLOW_TRACKING_URI": "sqlite://"}
    assert CliRunner().invoke(app(), ["inbox", "retry", str(number)], env=environ).exit_code == 0
    ((actor, role, action, subject),) = _rows(engine)
    assert (actor[:4], role, action, subject) == ("tqs:", Role.ADMIN, "inbox.retry", str(number))


def test_an_answer_whose_row_cannot_be_written_does_not_go_out(api: httpx.Client, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE audit ADD CONSTRAINT full_disk CHECK (false) NOT VALID"))
    answer = api.get("/api/tutors/ada/scores")
    problem(answer, 500, "internal_error")
    assert "ada" not in answer.text
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE audit DROP CONSTRAINT full_disk"))
    assert api.get("/api/tutors/ada/scores").status_code == 200


def test_rows_can_be_read_by_subject_actor_and_page(api: httpx.Client, engine: Engine) -> None:
    rows = [AuditRow(NOW, f"k{n % 2}", Role.READ, SCORES, f"t{n % 3}") for n in range(12)]
    write_rows(engine, rows)
    page = api.get("/api/admin/audit", params={"subject_id": "t1", "actor": "k1", "limit": 1}).json()
    assert [(row["subject_id"], row["actor"]) for row in page["rows"]] == [("t1", "k1")]
    more = {"subject_id": "t1", "actor": "k1", "limit": 1, "before": page["before"]}
    second = api.get("/api/admin/audit", params=more).json()
    assert second["rows"][0]["id"] < page["rows"][0]["id"]
    _, written = new_key(engine)
    problem(api.get("/api/admin/audit", headers=bearer(written)), 403, "forbidden")


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit"])
def test_nobody_changes_or_removes_a_row(engine: Engine, statement: str) -> None:
    write_rows(engine, [AuditRow(NOW, "k", Role.READ, SCORES, "ada")])
    with pytest.raises(DBAPIError), engine.begin() as connection:
        connection.execute(text(statement))
    assert len(read_rows(engine)) == 1


def test_many_at_once_are_written_in_few_transactions(api: httpx.Client, engine: Engine) -> None:
    async def ask() -> list[int]:
        async with httpx.AsyncClient(base_url=api.base_url, headers=HEADERS, timeout=30) as client:
            answers = await asyncio.gather(*(client.get("/api/tutors/ada/scores") for _ in range(60)))
        return [answer.status_code for answer in answers]

    assert asyncio.run(ask()) == [200] * 60
    kept: list[StoredRow] = read_rows(engine, "ada")
    assert len(kept) == 60
    with engine.connect() as connection:
        transactions = connection.execute(text("SELECT count(DISTINCT xmin::text) FROM audit")).scalar_one()
    print(f"60 rows in {transactions} transactions")
    assert transactions < 60


def test_what_cannot_be_written_fails_alone_and_the_rest_of_its_group_is_written() -> None:
    written: list[int] = []

    def write(items: list[int]) -> list[int]:
        if 3 in items:
            raise ValueError("three")
        written.extend(items)
        return [-item for item in items]

    async def submit() -> list[object]:
        grouped: GroupCommit[int, int] = GroupCommit(in_thread(write))
        first = asyncio.create_task(grouped.submit(1))
        await asyncio.sleep(0)
        rest = await asyncio.gather(*(grouped.submit(n) for n in (2, 3)), return_exceptions=True)
        return [await first, *map(type, rest), await grouped.submit(4)]

    assert asyncio.run(submit()) == [-1, int, ValueError, -4]
    assert written == [1, 2, 4]
