"""Erasure of tutors and students: planted canaries, data that stays, and data that arrives afterwards."""

import json
import logging
from pathlib import Path

import pytest
from sqlalchemy import Engine, LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from typer.testing import CliRunner

from cli.main import app
from domain.scores import Score
from domain.vocabulary import ScoreKind, SubjectKind
from store.facts.apply_events import apply
from store.facts.erased_columns import ERASED_COLUMNS
from store.facts.erasure import Person, erase
from store.facts.load import load
from store.facts.tombstones import erased_tutors, is_erased
from store.ledger import tuned_parameters as tuned
from store.operations import schedules, workers
from store.schema import access as access_tables
from store.schema import changes as change_tables
from store.schema import contacts as contact_tables
from store.schema import inbox as inbox_tables
from store.schema import outgoing as outgoing_tables
from store.schema import retention as retention_tables
from store.schema.erasure import metadata
from store.scores.ranking import tutor_profile, upcoming_sessions
from store.scores.records import save_scores
from store.scores.tutor_list import Wanted, ranked_tutors, tutor_page
from store.scores.tutor_scores import tutor_now
from store.scores.upcoming import upcoming_page
from tests.lib.canaries import BY, STUDENT, TUTOR, Canaries, dump, imported, plant, plant_late
from tests.lib.inbox_parts import DAY, HOUR, NOON, arrived, event, one, rows

ALL_TABLES = (
    access_tables,
    change_tables,
    contact_tables,
    inbox_tables,
    outgoing_tables,
    retention_tables,
    schedules,
    tuned,
    workers,
)
BOOKED = event("session.booked", "e1", NOON - 3 * DAY)
HELD = event("session.completed", "e3", NOON + DAY, starts_at=NOON + DAY, ends_at=None, rating=None)


def _erase(engine: Engine, *people: tuple[str, str]) -> None:
    with engine.begin() as connection:
        erase(connection, [Person(kind, name, NOON) for kind, name in people], BY, NOON)


def test_every_column_that_can_hold_text_is_classified() -> None:
    assert {table.key for module in ALL_TABLES for table in module.metadata.tables.values()} == {*metadata.tables}
    textual = {
        table.name: {
            column.name
            for column in table.columns
            if isinstance(column.type, (Text, JSONB, LargeBinary, ARRAY)) and column.computed is None
        }
        for table in metadata.tables.values()
    }
    assert {name: {*columns} for name, columns in ERASED_COLUMNS.items()} == textual


def test_of_200_canaries_planted_by_every_way_none_is_left(
    engine: Engine, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    canaries = Canaries()
    plant(engine, canaries)
    before = canaries.in_text(dump(engine))
    assert before | {"import": before["import"] + 2} == canaries.counts()  # the event had another name and address
    outcomes = "SELECT starts_at, status, rating FROM sessions ORDER BY session_id"
    kept = rows(engine, outcomes)
    _erase(engine, ("tutor", TUTOR), ("student", STUDENT))
    plant_late(engine, canaries)
    planted, left = canaries.counts(), canaries.in_text(dump(engine))
    with capsys.disabled():
        print(f"\n{sum(planted.values())} canaries planted by {planted}, found after erase: {sum(left.values())}")
    assert left == {}
    assert sum(planted.values()) >= 200
    assert canaries.in_text(caplog.text) == {}
    assert rows(engine, outcomes) == kept
    assert one(engine, "SELECT name FROM tutors WHERE tutor_id = 'ben'").name == "Ben"


def test_an_erased_tutor_is_a_random_id_who_has_left_and_whose_later_events_are_not_applied(engine: Engine) -> None:
    apply(engine, arrived([BOOKED, event("tutor.updated", "u", NOON - 9 * DAY, email="ada@example.org")]))
    assert apply(engine, arrived([event("tutor.deleted", "d", NOON)])).tutors == frozenset()
    tutor = one(engine, "SELECT * FROM tutors")
    assert (tutor.name, tutor.email, tutor.departed_at) == (None, None, NOON)
    assert erased_tutors(engine) == {tutor.tutor_id}
    assert tutor.tutor_id.startswith("erased-")
    assert apply(engine, arrived([HELD, event("tutor.updated", "u2", NOON + HOUR)])).tutors == frozenset()
    session = one(engine, "SELECT tutor_id, status FROM sessions")
    assert session == (tutor.tutor_id, "booked")
    assert one(engine, "SELECT count(*) AS n FROM tutors").n == 1
    assert is_erased(engine, "tutor", "tutor-17")
    assert not is_erased(engine, "student", "tutor-17")


def test_an_erased_tutor_is_on_no_list_and_has_no_scores_to_read(engine: Engine) -> None:
    soon = event("session.booked", "soon", NOON - DAY, session_id="soon", starts_at=NOON + DAY, ends_at=None)
    apply(engine, arrived([soon]))
    score = Score(
        subject_kind=SubjectKind.TUTOR, subject_id="tutor-17", kind=ScoreKind.HELP, value=0.9, low=0.8, high=1,
        reasons=(), action=None, model_version="no_show/1", as_of=NOON,
    )  # fmt: skip
    save_scores(engine, [score])

    def seen() -> list[object]:
        lists = ranked_tutors(engine, NOON), tutor_page(engine, Wanted(), NOON, 10).tutors
        sessions = (
            upcoming_sessions(engine, NOON, NOON + 2 * DAY),
            upcoming_page(engine, NOON, NOON + 2 * DAY, None, 9, None)[0].sessions,
        )
        return [line for subject_lines in (*lists, *sessions) for line in subject_lines]

    assert len(seen()) == 4
    _erase(engine, ("tutor", "tutor-17"))
    assert seen() == []
    for name in ("tutor-17", one(engine, "SELECT tutor_id FROM tutors").tutor_id):
        assert tutor_now(engine, name, NOON) is None
        assert tutor_profile(engine, name) is None


def test_events_about_an_erased_student_are_applied_for_the_tutor_without_student_and_text(engine: Engine) -> None:
    apply(engine, arrived([event("student.deleted", "d", NOON - DAY)]))
    moved = event("session.rescheduled", "e2", NOON, reason_text="ill", attributes={"note": "x"})
    assert apply(engine, arrived([moved])).tutors == {"tutor-17"}
    session = one(engine, "SELECT tutor_id, student_id FROM sessions")
    assert session == ("tutor-17", None)
    assert one(engine, "SELECT reason_text FROM reschedules").reason_text is None
    apply(engine, arrived([event("transcript.ready", "x", NOON)]))
    assert not rows(engine, "SELECT 1 FROM transcripts")


def test_events_before_and_after_a_deletion_end_the_same_at_once_and_one_by_one(engine: Engine) -> None:
    named = event("tutor.updated", "u", NOON - DAY, timezone="Europe/Paris", started_at=NOON - 90 * DAY)
    story = [named, BOOKED, event("tutor.deleted", "d", NOON), HELD, named | {"id": "u2"}]
    apply(engine, arrived(story))
    known = "SELECT timezone, departed_at, status FROM sessions JOIN tutors USING (tutor_id)"
    assert one(engine, known) == ("Europe/Paris", NOON, "booked")
    for fact in story:
        apply(engine, arrived([fact]))
    assert one(engine, known) == ("Europe/Paris", NOON, "booked")


def test_an_import_about_an_erased_tutor_keeps_outcomes_under_a_random_id(engine: Engine) -> None:
    canaries = Canaries()
    load(engine, imported(canaries))
    _erase(engine, ("tutor", TUTOR))
    load(engine, imported(canaries))
    held = "SELECT tutor_id, status FROM sessions WHERE session_id = 'is-0'"
    assert one(engine, held).tutor_id in erased_tutors(engine)
    assert one(engine, held).status == "completed"
    assert not rows(engine, "SELECT 1 FROM transcripts WHERE session_id = 'is-0'")
    assert one(engine, "SELECT text FROM transcripts WHERE session_id = 'is-1'")


def test_the_command_asks_first_and_erases(
    engine: Engine, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("TQS_DATA_DIR", str(tmp_path))
    apply(engine, arrived([BOOKED]))
    command = ["erase", "student", BOOKED["data"]["student_id"]]
    assert CliRunner().invoke(app(), command, input="n\n").exit_code == 1
    assert not erased_ids_of(engine)
    answer = CliRunner().invoke(app(), [*command, "--yes", "--json"])
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["sessions"] == 1
    assert erased_ids_of(engine) == {json.loads(answer.stdout)["subject_id"]}


def erased_ids_of(engine: Engine) -> set[str]:
    return {row.student_id for row in rows(engine, "SELECT student_id FROM students WHERE erased_at IS NOT NULL")}
