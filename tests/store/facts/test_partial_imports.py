"""Partial imports: only fields in the files are written, and newer values in the database are kept."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from cli.import_dataset import import_dataset, load_file
from domain.errors import InvalidDataset
from domain.schema import KINDS
from domain.vocabulary import AttributeType
from features.base.dataset import Attribute, Export, complete_export
from gateways.settings import load_settings
from store.facts.apply_events import apply
from store.facts.load import compare, load
from store.facts.load_summary import FieldChanges
from tests.lib.dataset_parts import csv, write
from tests.lib.inbox_parts import arrived, facts, one
from tests.lib.small_dataset import NOON, corners, dataset, session

HEADER = "session_id,tutor_id,student_id,booked_at,starts_at,status,outcome_known_at"
HELD = "s1,t1,u1,2026-03-01T09:00:00Z,2026-03-02T09:00:00Z,completed,2026-03-02T10:00:00Z"
TUTORS = "tutor_id,name,timezone,started_at,departed_at\nt1,Tutor One,Asia/Manila,2025-01-01,\n"
BOTH = "tutors: {file: tutors.csv}\nsessions: {file: sessions.csv}"
ONLY_SESSIONS = "sessions: {file: sessions.csv}"
STORED = "SELECT * FROM sessions JOIN tutors USING (tutor_id) WHERE session_id = 's1'"


@pytest.fixture
def here(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, with a database for the commands."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    return tmp_path


def imported(here: Path, description: str = ONLY_SESSIONS, **files: str) -> Any:
    """Import a dataset as `tqs import` does. Returns the counts."""
    settings = load_settings({"DATABASE_URL": os.environ["DATABASE_URL"]})
    return load_file(write(here, description, **files), settings).loaded


def stored(engine: Engine) -> dict[str, dict[str, Any]]:
    """Stored sessions by id."""
    query = "SELECT session_id, to_jsonb(s) FROM sessions AS s"
    with engine.connect() as connection:
        return dict(tuple(row) for row in connection.execute(text(query)))


def first(here: Path) -> None:
    """Import a tutor and a session with a rating."""
    imported(here, BOTH, tutors_csv=TUTORS, sessions_csv=csv(HELD + ",5", header=HEADER + ",rating"))


def test_a_file_of_sessions_keeps_what_it_lacks_of_tutors_and_sessions(here: Path, engine: Engine) -> None:
    first(here)
    counts = imported(here, sessions_csv=csv(HELD, header=HEADER))
    row = one(engine, STORED)
    assert (row.name, row.timezone, row.rating) == ("Tutor One", "Asia/Manila", 5.0)
    assert row.started_at == datetime(2025, 1, 1, tzinfo=UTC)
    assert one(engine, "SELECT departures_given AS given FROM dataset_facts").given is True
    assert (counts.new, counts.changed) == (0, 0)


def test_an_empty_cell_of_a_column_that_is_there_empties_the_field(here: Path, engine: Engine) -> None:
    first(here)
    counts = imported(here, sessions_csv=csv(HELD + ",", header=HEADER + ",rating"))
    assert one(engine, STORED).rating is None
    assert counts.kinds["sessions"].fields == {"rating": FieldChanges(cleared=1)}


def test_a_declared_fill_is_carried_and_a_default_is_not(here: Path, engine: Engine) -> None:
    first(here)
    imported(here, BOTH, tutors_csv="tutor_id\nt1\n", sessions_csv=csv(HELD, header=HEADER))
    assert one(engine, STORED).timezone == "Asia/Manila"
    filled = "tutors: {file: tutors.csv, fill: {timezone: Europe/Berlin}}\nsessions: {file: sessions.csv}"
    imported(here, filled, tutors_csv="tutor_id\nt1\n", sessions_csv=csv(HELD, header=HEADER))
    assert one(engine, STORED).timezone == "Europe/Berlin"


def test_an_attribute_that_the_file_lacks_is_kept(engine: Engine) -> None:
    load(engine, corners())
    only = Attribute("sessions", "level", AttributeType.CATEGORICAL)
    rows = {"tutors": [{"tutor_id": "t1"}], "sessions": [session("x1", **{"attributes.level": "B2"})]}
    fields = {kind: frozenset[str]() for kind in KINDS}
    load(engine, dataset((only,), **rows), Export(fields))
    assert one(engine, "SELECT attributes AS a FROM sessions WHERE session_id = 'x1'").a == {
        "subject": "", "price": 1e-300, "level": "B2",
    }  # fmt: skip
    summary = load(engine, dataset((only,), **rows | {"sessions": [session("x1")]}), Export(fields))
    assert summary.kinds["sessions"].fields == {"attributes.level": FieldChanges(cleared=1)}


def test_a_start_moved_past_an_end_that_the_file_lacks_is_left_and_named(engine: Engine) -> None:
    load(engine, corners())
    moved = [session("x1", student_id="s1", starts_at=NOON + timedelta(hours=2), ends_at=None)]
    fields = complete_export().fields | {"sessions": frozenset({"session_id", "tutor_id", "starts_at"})}
    people = {"tutors": [{"tutor_id": "t1"}], "students": [{"student_id": "s1"}]}
    before = facts(engine)["sessions"]
    summary = load(engine, dataset(**people, sessions=moved), Export(fields)).kinds["sessions"]
    assert (summary.conflicting, summary.examples["conflicting"]) == (1, ("x1",))
    assert facts(engine)["sessions"] == before


def test_a_reschedule_that_only_the_database_knows_still_says_when_the_start_became_known(
    here: Path, engine: Engine
) -> None:
    moves = (
        "reschedule_id,session_id,tutor_id,initiator,requested_at,old_starts_at,new_starts_at\n"
        "r1,s1,t1,tutor,2026-03-01T12:00:00Z,2026-03-02T08:00:00Z,2026-03-02T09:00:00Z\n"
    )
    both = "sessions: {file: sessions.csv}\nreschedules: {file: reschedules.csv}"
    imported(here, both, sessions_csv=csv(HELD, header=HEADER), reschedules_csv=moves)
    imported(here, sessions_csv=csv(HELD, header=HEADER))
    assert one(engine, STORED).scheduled_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    imported(here, sessions_csv=csv(HELD.replace("03-01T09", "03-01T14"), header=HEADER))
    assert one(engine, STORED).scheduled_at == datetime(2026, 3, 1, 14, tzinfo=UTC)


# Case: an event about a session contradicts an export.

EVENT_AT = datetime(2026, 11, 30, 19, tzinfo=UTC)
SWAP = "swap,evt-1,u1,2026-11-27T20:00:00Z,2026-11-30T17:00:00Z,booked,"


def completed(at: datetime = EVENT_AT, event_id: str = "e1", **more: Any) -> dict[str, Any]:
    data = {
        "session_id": "swap", "tutor_id": "evt-sub", "student_id": "u1", "booked_at": "2026-11-27T20:00:00Z",
        "starts_at": "2026-11-30T17:00:00Z", "rating": 2,
    }  # fmt: skip
    return {"id": event_id, "type": "session.completed", "timestamp": at.isoformat(), "data": data | more}


def happened(engine: Engine, *events: dict[str, Any]) -> None:
    apply(engine, arrived(events, EVENT_AT))


def standing(engine: Engine) -> tuple[Any, ...]:
    row = one(engine, "SELECT * FROM sessions WHERE session_id = 'swap'")
    return row.status, row.tutor_id, row.rating


@pytest.mark.parametrize("dated", ["", "exported_at: 2026-11-30T19:00:00Z\n", "exported_at: 2026-11-30 18:00\n"])
def test_an_export_not_later_than_an_event_leaves_its_session_alone(here: Path, engine: Engine, dated: str) -> None:
    happened(engine, completed())
    counts = imported(here, dated + ONLY_SESSIONS, sessions_csv=csv(SWAP, header=HEADER))
    assert standing(engine) == ("completed", "evt-sub", 2.0)
    assert (counts.changed, counts.left_alone, counts.kinds["sessions"].examples["left_alone"]) == (0, 1, ("swap",))


def test_a_later_export_is_written_and_no_event_of_before_it_undoes_it(here: Path, engine: Engine) -> None:
    happened(engine, completed())
    later = "exported_at: 2026-11-30T19:00:01Z\n" + ONLY_SESSIONS
    counts = imported(here, later, sessions_csv=csv(SWAP, header=HEADER))
    assert counts.kinds["sessions"].fields["tutor_id"] == FieldChanges(changed=1)
    assert standing(engine) == ("booked", "evt-1", 2.0)
    happened(engine, completed(EVENT_AT + timedelta(milliseconds=500), "e2"))
    assert standing(engine) == ("booked", "evt-1", 2.0)
    happened(engine, completed(EVENT_AT + timedelta(seconds=2), "e3", rating=4))
    assert standing(engine) == ("completed", "evt-sub", 4.0)


def test_an_event_older_than_the_first_export_of_a_session_does_not_undo_it(here: Path, engine: Engine) -> None:
    imported(here, "exported_at: 2026-11-30T19:30Z\n" + ONLY_SESSIONS, sessions_csv=csv(SWAP, header=HEADER))
    happened(engine, completed())
    assert standing(engine) == ("booked", "evt-1", None)


def test_an_older_or_undated_export_does_not_undo_a_dated_one(here: Path, engine: Engine) -> None:
    for dated, tutor in (("exported_at: 2026-11-30T12:00Z\n", "new"), ("exported_at: 2026-11-30T11:00Z\n", "old")):
        imported(here, dated + ONLY_SESSIONS, sessions_csv=csv(SWAP.replace("evt-1", tutor), header=HEADER))
    imported(here, sessions_csv=csv(SWAP.replace("evt-1", "undated"), header=HEADER))
    assert standing(engine)[1] == "new"


def test_attributes_keep_a_moment_of_their_own(engine: Engine) -> None:
    price = Attribute("sessions", "price", AttributeType.NUMERIC)
    rows: dict[str, Any] = {"tutors": [{"tutor_id": "evt-sub"}], "students": [{"student_id": "u1"}]}
    booked = session("swap", "evt-sub", student_id="u1", **{"attributes.price": 10.0})
    load(engine, dataset((price,), **rows, sessions=[booked]), complete_export(EVENT_AT - timedelta(hours=2)))
    happened(engine, completed(EVENT_AT - timedelta(hours=1), attributes={"price": 20.0}))
    later = complete_export(EVENT_AT)
    load(engine, dataset((price,), **rows, sessions=[booked | {"attributes.price": 30.0}]), later)
    happened(engine, completed(EVENT_AT - timedelta(minutes=1), "e2", attributes={"price": 40.0}))
    assert one(engine, "SELECT attributes AS a FROM sessions").a == {"price": 30.0}


def test_an_erased_tutor_does_not_come_back_by_an_import(here: Path, engine: Engine) -> None:
    first(here)
    gone = {"id": "e1", "type": "tutor.deleted", "timestamp": "2026-11-30T18:00:00Z", "data": {"tutor_id": "t1"}}
    happened(engine, gone)
    before = stored(engine)
    rows = csv(HELD, HELD.replace("s1", "s2"), HELD.replace("s1,t1", "s3,t3"), header=HEADER)
    spoken = "session_id,known_at,text\ns1,2026-03-02T10:00:00Z,tutor: it is Tutor One\n"
    described = f"exported_at: 2026-11-30T18:30Z\n{BOTH}\ntranscripts: {{file: transcripts.csv}}"
    counts = imported(here, described, tutors_csv=TUTORS + "t3,,,,\n", sessions_csv=rows, transcripts_csv=spoken)
    assert [counts.kinds[kind].erased for kind in ("tutors", "sessions", "transcripts")] == [1, 2, 1]
    assert counts.kinds["sessions"].new == 1
    assert {key: row for key, row in stored(engine).items() if key != "s3"} == before
    assert one(engine, "SELECT count(*) AS n FROM tutors WHERE tutor_id = 't1'").n == 0
    assert facts(engine)["transcripts"] == []


def test_the_same_import_again_writes_nothing(here: Path, engine: Engine) -> None:
    files = {"tutors_csv": TUTORS, "sessions_csv": csv(HELD, header=HEADER)}
    imported(here, BOTH, **files)
    before = _versions(engine)
    counts = imported(here, BOTH, **files)
    assert (counts.new, counts.changed) == (0, 0)
    assert _versions(engine) == before


def _versions(engine: Engine) -> list[Any]:
    """Row versions of every table that an import writes."""
    tables = ("tutors", "students", "sessions", "dataset_facts", "attribute_definitions", "inbox")
    query = " UNION ALL ".join(f"SELECT '{t}', xmin::text, ctid::text FROM {t}" for t in tables)
    with engine.connect() as connection:
        return sorted(tuple(row) for row in connection.execute(text(query)))


def test_a_check_counts_what_the_import_then_changes_and_writes_nothing(
    here: Path, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    first(here)
    happened(engine, completed())
    before = facts(engine)
    rows = csv(HELD + ",4", SWAP + ",", HELD.replace("s1", "s2") + ",", header=HEADER + ",rating")
    path = write(here, sessions_csv=rows)
    summaries = []
    for check in (True, False):
        import_dataset(path, check=check, as_json=True)
        summaries.append(json.loads(capsys.readouterr().out))
        if check:
            assert facts(engine) == before
    checked, loaded = summaries
    assert (checked["loaded"], loaded["loaded"]) == (False, True)
    assert checked["kinds"] == loaded["kinds"]
    sessions_summary = checked["kinds"]["sessions"]
    assert sessions_summary["fields"] == {"rating": {"set": 0, "cleared": 0, "changed": 1}}
    assert sessions_summary["examples"] == {"new": ["s2"], "changed": ["s1"], "left_alone": ["swap"]}
    import_dataset(path, check=True)
    assert "declare when the files were exported" in capsys.readouterr().out


def test_a_check_takes_no_lock_that_events_wait_for(here: Path, engine: Engine) -> None:
    first(here)
    with engine.begin() as held:
        held.execute(text("SELECT pg_advisory_xact_lock(7205002)"))
        assert compare(engine, corners()).new == 9


def test_a_check_without_a_database_says_so(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    import_dataset(write(here, sessions_csv=csv(HELD, header=HEADER)), check=True)
    assert "there is no database yet" in capsys.readouterr().out
    assert not (here / ".data").exists()


@pytest.mark.parametrize(
    ("moment", "reason"), [("tomorrow", "is not a time"), ("2999-01-01T00:00Z", "is in the future")]
)
def test_a_wrong_moment_of_the_export_is_refused(here: Path, moment: str, reason: str) -> None:
    path = write(here, sessions_csv=csv(HELD, header=HEADER))
    with pytest.raises(InvalidDataset, match=reason):
        import_dataset(path, exported_at=moment)
    path.write_text(f"exported_at: {moment}\n{ONLY_SESSIONS}")
    with pytest.raises(InvalidDataset, match=reason):
        import_dataset(path)


_OPTIONAL = ("student_id", "ends_at", "initiated_by", "late_minutes", "duration_minutes", "rating")
_VALUES: dict[str, Any] = {
    "student_id": "u1", "ends_at": NOON + timedelta(hours=3), "initiated_by": "student", "late_minutes": 7.0,
    "duration_minutes": 50.0, "rating": 1.0,
}  # fmt: skip


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    carried=st.sets(st.sampled_from(_OPTIONAL)),
    rows=st.dictionaries(
        st.sampled_from(["x1", "x2", "x3"]), st.dictionaries(st.sampled_from(_OPTIONAL), st.booleans()), min_size=1
    ),
)
def test_no_import_changes_a_field_that_it_does_not_carry(
    engine: Engine, carried: set[str], rows: dict[str, dict[str, bool]]
) -> None:
    present = [session(key, student_id="u1", rating=5.0, late_minutes=2.0) for key in ("x1", "x2")]
    people = {"tutors": [{"tutor_id": "t1", "name": "Ann"}], "students": [{"student_id": "u1"}]}
    with engine.begin() as connection:
        for name in ("sessions", "students", "tutors"):
            connection.execute(text(f"DELETE FROM {name}"))
    load(engine, dataset(**people, sessions=present))
    before = stored(engine)
    given_rows = {
        key: session(key, ends_at=None) | {name: _VALUES[name] for name, there in cells.items() if there}
        for key, cells in rows.items()
    }
    required = {field.name for field in KINDS["sessions"].fields if field.required}
    fields = {kind: frozenset[str]() for kind in KINDS} | {"sessions": frozenset(required | carried)}
    load(engine, dataset(tutors=[{"tutor_id": "t1"}], students=[], sessions=list(given_rows.values())), Export(fields))
    after = stored(engine)
    assert one(engine, "SELECT name FROM tutors").name == "Ann"
    for key, row in before.items():
        for name in _OPTIONAL:
            incoming = given_rows.get(key, {}).get(name)
            carries = key in given_rows and name in carried
            value = incoming.isoformat() if isinstance(incoming, datetime) else incoming
            assert after[key][name] == (value if carries else row[name]), name
