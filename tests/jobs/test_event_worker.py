"""The worker on a real database: each event leads to one set of scores; a poison event delays no other."""

import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from typer.testing import CliRunner

from cli.inbox import commands as inbox_commands
from cli.worker import run_together
from cli.worker import worker as worker_command
from domain.errors import DatabaseUnavailable, UnknownSubject
from domain.leases import EARLY_LIMIT, LEASE
from domain.policy import Principal, Role
from domain.vocabulary import ScoreKind, SubjectKind, Task
from features.history.history import History
from jobs import event_worker as worker_module
from jobs.event_worker import Worker
from jobs.scoring import all_scores
from jobs.waiting import notified
from models.artifact.champion import Champion
from quality.reasons import with_reason_codes
from serving.guard.authentication import INSTALLATION
from store.facts.erasure import Person, erase
from store.facts.history import read_dataset
from store.facts.load import load
from store.inbox.backlog import InboxState, backlog, retry, unfinished
from store.operations.workers import seen_workers
from store.scores.records import latest_scores
from tests.lib.api_parts import NOW, marketplace, register, small_model
from tests.lib.inbox_parts import DAY, HOUR, event, one, put, rows

WORD = "a-word-only-this-event-holds"


class Died(BaseException):
    """Simulated SIGKILL, which no code handles."""


class Clock:
    """A clock that changes only when set."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def worker(engine: Engine, clock: Clock) -> Worker:
    load(engine, marketplace())
    return Worker(engine, clock)


def missed(name: str = "e1", session_id: str = "new", **data: Any) -> dict[str, Any]:
    """Event of a session that Ada missed, reported an hour ago."""
    times = {"booked_at": NOW - 6 * DAY, "starts_at": NOW - 2 * HOUR, "ends_at": None}
    who = {"session_id": session_id, "tutor_id": "ada", "student_id": "s1"}
    return event("session.no_show", name, NOW - HOUR, **(times | who | data))


def held(name: str, at: datetime = NOW - HOUR, **data: Any) -> dict[str, Any]:
    found = missed(name, **data)
    kept = {key: value for key, value in found["data"].items() if key != "absent"}
    rating = {"rating": data.get("rating", 4)}
    return found | {"type": "session.completed", "timestamp": at.isoformat(), "data": kept | rating}


def sent(engine: Engine, *events: dict[str, Any]) -> list[int]:
    return put(engine, events, received_at=NOW - timedelta(minutes=1))


def scored(engine: Engine, kind: ScoreKind = ScoreKind.RESCHEDULE_RATE_30D, subject_id: str = "ada") -> int:
    query = "SELECT count(*) AS n FROM scores WHERE kind = :kind AND subject_id = :id"
    found: int = one(engine, query, kind=kind, id=subject_id).n
    return found


def test_after_an_event_the_scores_are_those_of_a_sweep_at_that_moment(engine: Engine, worker: Worker) -> None:
    register(engine, small_model())
    sent(engine, missed())
    assert worker.drain() == 1
    history = History(with_reason_codes(read_dataset(engine)))
    swept = all_scores(history, {Task.NO_SHOW: Champion(small_model(), "7"), Task.CHURN: None}, NOW)
    expected = {(s.kind, s.subject_id): s for s in swept if s.subject_id in {"ada", "next"}}
    found = [*latest_scores(engine, SubjectKind.TUTOR, "ada"), *latest_scores(engine, SubjectKind.SESSION, "next")]
    assert {(s.kind, s.subject_id): s for s in found} == expected
    assert {ScoreKind.NO_SHOW, ScoreKind.NO_SHOW_14D, ScoreKind.HELP} <= {s.kind for s in found}
    assert one(engine, "SELECT status FROM sessions WHERE session_id = 'new'").status == "no_show"


def test_a_booking_by_a_clock_that_is_ahead_is_scored_at_once(engine: Engine, worker: Worker, clock: Clock) -> None:
    register(engine, small_model())
    ahead, times = NOW + timedelta(minutes=4), {"starts_at": NOW + 5 * HOUR, "ends_at": None}
    about = {"session_id": "new", "tutor_id": "ada", "student_id": "s1", "booked_at": ahead}
    sent(engine, event("session.booked", "e1", ahead, **about, **times))
    moved = {"initiator": "tutor", "old_starts_at": NOW + 4 * HOUR}
    sent(engine, event("session.rescheduled", "e2", ahead, **about, **times, **moved))
    worker.drain()
    assert scored(engine, ScoreKind.NO_SHOW, "new") == 1
    assert one(engine, "SELECT requested_at AS at FROM reschedules WHERE session_id = 'new'").at < NOW


def test_what_was_received_by_a_clock_ahead_of_the_workers_is_in_the_scores(engine: Engine, worker: Worker) -> None:
    put(engine, [held("e1")], received_at=NOW + timedelta(seconds=1))
    worker.drain()
    assert scored(engine, ScoreKind.SESSION_QUALITY, "new") == 1
    assert one(engine, "SELECT min(as_of) AS at FROM scores").at > NOW + timedelta(seconds=1)


def test_without_a_model_events_are_applied_and_rates_scored(engine: Engine, worker: Worker) -> None:
    sent(engine, missed())
    assert worker.drain() == 1
    kinds = {score.kind for score in latest_scores(engine, SubjectKind.TUTOR, "ada")}
    assert ScoreKind.RESCHEDULE_RATE_30D in kinds
    assert ScoreKind.NO_SHOW_14D not in kinds


def test_a_model_that_cannot_be_opened_stops_no_event(engine: Engine, worker: Worker) -> None:
    register(engine, small_model())
    rows(engine, "ALTER TABLE model_artifacts DISABLE TRIGGER append_only; SELECT 1")
    rows(engine, "UPDATE model_artifacts SET model = 'x' RETURNING 1")
    sent(engine, missed())
    assert worker.drain() == 1
    assert scored(engine) == 1


@pytest.mark.parametrize("where", ["read_event", "apply", "readable_scores", "append_scores", "finish"])
@pytest.mark.parametrize("after", [False, True])
def test_a_worker_that_dies_anywhere_loses_nothing_and_nothing_is_scored_twice(
    engine: Engine, worker: Worker, clock: Clock, monkeypatch: pytest.MonkeyPatch, where: str, after: bool
) -> None:
    sent(engine, missed(), held("e2", session_id="rated"))
    worker.warm_up()
    original = getattr(worker_module, where)

    def dies(*arguments: Any, **more: Any) -> Any:
        if after:
            original(*arguments, **more)
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(worker_module, where, dies)
        with pytest.raises(Died):
            worker.drain()
    assert Worker(engine, clock).drain() == 0  # the lease has not expired yet
    clock.now += 2 * LEASE
    assert Worker(engine, clock).drain() == 2
    assert scored(engine) == 1
    assert scored(engine, ScoreKind.SESSION_QUALITY, "rated") == 1
    assert one(engine, "SELECT count(*) AS n FROM sessions WHERE session_id IN ('new', 'rated')").n == 2


def test_of_two_workers_on_the_same_events_one_saves_and_the_other_undoes(engine: Engine, worker: Worker) -> None:
    """The first worker's lease expires while it works; the second leases the same events and finishes first."""
    sent(engine, missed())
    second = Worker(engine, Clock(NOW + 2 * LEASE))

    def slow() -> datetime:
        if next(calls) == 1:  # after the facts, before the scores
            assert second.drain() == 1
        return NOW

    calls = itertools.count()
    worker.now = slow
    assert worker.drain() == 0
    assert scored(engine) == 1
    assert backlog(engine).waiting == 0


def test_a_poison_event_is_parked_after_five_tries_and_those_beside_it_are_done_at_once(
    engine: Engine, worker: Worker, clock: Clock
) -> None:
    _poison(engine, "bad")
    ids = sent(engine, *[missed(f"e{n}", "bad" if n == 7 else f"s{n}") for n in range(20)])
    assert worker.drain() == 19
    tried = 1
    while backlog(engine).waiting:
        clock.now += HOUR
        assert worker.drain() == 0
        tried += 1
    (parked,) = unfinished(engine, InboxState.PARKED)
    assert (parked.id, parked.event_id, tried) == (ids[7], "e7", 5)
    assert parked.error == "the database refused it: RaiseException"  # the driver's message contains row values


def _poison(engine: Engine, session_id: str) -> None:
    """Make the database refuse a session, by a trigger."""
    with engine.begin() as connection:
        connection.execute(
            text(f"""
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION '% of %', '{WORD}', NEW.tutor_id; END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON sessions FOR EACH ROW
            WHEN (NEW.session_id = '{session_id}') EXECUTE FUNCTION refuse()
            """)
        )


def test_an_impossible_event_is_parked_at_once_and_done_after_a_person_asked_for_another_try(
    engine: Engine, worker: Worker
) -> None:
    wrong = missed("wrong", "odd", ends_at="2026-01-01T00:00:00Z")
    (row, _) = sent(engine, wrong, missed("right"))
    assert worker.drain() == 1
    assert "ends_at is before starts_at" in one(engine, "SELECT error FROM inbox WHERE id = :id", id=row).error
    rows(
        engine,
        "UPDATE inbox SET body = :body WHERE id = :id RETURNING 1",
        id=row,
        body=json.dumps(missed("wrong", "odd")),
    )
    retry(engine, row, INSTALLATION, NOW)
    assert worker.drain() == 1
    with pytest.raises(UnknownSubject, match=f"no event {row} is parked"):
        retry(engine, row, INSTALLATION, NOW)


def test_what_is_no_event_of_ours_is_parked_naming_fields_and_no_values(engine: Engine, worker: Worker) -> None:
    strange = missed("strange", student_id=WORD)
    sent(engine, strange | {"version": "1999-01-01", "data": strange["data"] | {WORD[:6]: WORD}})
    assert worker.drain() == 0
    (parked,) = unfinished(engine, InboxState.PARKED)
    assert "version" in str(parked.error)
    assert WORD not in str(parked.error)


def test_a_transcript_waits_for_its_session_uncounted_and_asks_a_person_after_a_week(
    engine: Engine, worker: Worker, clock: Clock
) -> None:
    transcripts = [event("transcript.ready", name, NOW, session_id=name) for name in ("new", "never")]
    sent(engine, *transcripts)
    assert worker.drain() == 0
    waiting = unfinished(engine, InboxState.WAITING)
    assert {(found.error, found.tries) for found in waiting} == {("its session is not known yet", 0)}
    sent(engine, missed())
    clock.now += timedelta(minutes=5)
    assert worker.drain() == 2
    assert one(engine, "SELECT session_id FROM transcripts").session_id == "new"
    clock.now += EARLY_LIMIT + HOUR
    worker.drain()
    assert [found.event_id for found in unfinished(engine, InboxState.PARKED)] == ["never"]


def test_a_sessions_quality_is_scored_once_for_each_rating(engine: Engine, worker: Worker) -> None:
    for name, rating, times in (("e1", 5, 1), ("e2", 5, 1), ("e3", 3, 2), ("e4", None, 2), ("e5", 5, 3)):
        sent(engine, held(name, NOW - HOUR + timedelta(minutes=int(name[1:])), rating=rating))
        assert worker.drain() == 1
        assert scored(engine, ScoreKind.SESSION_QUALITY, "new") == times


def test_an_erased_tutor_is_scored_no_more_and_named_nowhere(engine: Engine, worker: Worker) -> None:
    register(engine, small_model())
    named = event("tutor.updated", "u1", NOW - DAY, tutor_id="ada", name=WORD, email=WORD)
    sent(engine, named, missed())
    worker.drain()
    before = scored(engine)
    sent(engine, event("tutor.deleted", "d", NOW, tutor_id="ada"))
    worker.drain()
    sent(engine, named | {"id": "u2"}, missed("e2", "another"))
    assert worker.drain() == 2
    (tutor,) = rows(engine, "SELECT tutor_id FROM tutors WHERE erased_at IS NOT NULL")
    assert (scored(engine), scored(engine, subject_id=tutor.tutor_id)) == (0, before)
    assert before == 1
    assert one(engine, "SELECT count(*) AS n FROM inbox WHERE body::text LIKE :word", word=f"%{WORD}%").n == 0
    assert not rows(engine, "SELECT 1 FROM tutors WHERE tutor_id = 'ada' OR name = 'Ada'")


def test_an_event_erased_while_it_waits_is_finished_without_being_applied(engine: Engine, worker: Worker) -> None:
    sent(engine, missed())
    with engine.begin() as connection:
        erase(connection, [Person("tutor", "ada", NOW)], Principal("test", Role.ADMIN), NOW)
    assert worker.drain() == 1
    assert not rows(engine, "SELECT 1 FROM sessions WHERE session_id = 'new'")


def test_a_database_that_goes_away_costs_no_event_a_try(
    engine: Engine, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent(engine, missed())

    def away(*_: Any) -> Any:
        raise DatabaseUnavailable("away")

    for _ in range(7):
        with monkeypatch.context() as patch:
            patch.setattr(worker_module, "apply", away)
            with pytest.raises(DatabaseUnavailable):
                worker.drain()
    assert worker.drain() == 1
    assert one(engine, "SELECT tries FROM inbox").tries == 1


def test_a_lease_is_kept_while_the_work_takes_longer(
    engine: Engine, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent(engine, missed())
    start, began = NOW, time.monotonic()
    worker.now = lambda: start + timedelta(seconds=time.monotonic() - began)
    worker.lease = timedelta(seconds=0.6)
    original = worker_module.apply

    def slow(*arguments: Any) -> Any:
        time.sleep(1.0)
        assert Worker(engine, worker.now).drain() == 0
        return original(*arguments)

    monkeypatch.setattr(worker_module, "apply", slow)
    assert worker.drain() == 1


def test_a_running_worker_is_woken_by_an_event_and_stops_when_told(
    engine: Engine, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "POLL_SECONDS", 60.0)
    stop = threading.Event()

    def run() -> None:
        with notified(engine, stop) as waits:
            worker.run(waits, stop)

    thread = threading.Thread(target=run)
    thread.start()
    sent(engine, missed())
    _until(lambda: backlog(engine).waiting == 0)
    time.sleep(0.5)  # the worker is now waiting
    sent(engine, missed("e2", "later"))
    _until(lambda: backlog(engine).waiting == 0)
    stop.set()
    thread.join(5)
    assert not thread.is_alive()


def _until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "the condition was not met in time"
        time.sleep(0.02)


def test_a_loop_that_fails_ends_the_whole_worker_with_its_error() -> None:
    stop = threading.Event()

    def fails() -> None:
        raise DatabaseUnavailable("gone for good")

    with pytest.raises(DatabaseUnavailable, match="gone for good"):
        run_together({"fails": fails, "runs": lambda: assert_stopped(stop)}, stop)


def assert_stopped(stop: threading.Event) -> None:
    assert stop.wait(10)


def test_the_commands_work_on_the_inbox_list_what_is_parked_and_try_it_again(
    engine: Engine, worker: Worker, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("TQS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    (row, _) = sent(engine, missed("wrong", ends_at=NOW - DAY), missed("right", "s2"))
    monkeypatch.setattr("signal.signal", lambda *_: None)
    worker_command(once=True)
    listed = CliRunner().invoke(inbox_commands(), [])
    assert "0 waiting; 1 parked." in listed.output
    assert "ends_at is before" in listed.output
    assert CliRunner().invoke(inbox_commands(), ["retry", str(row)]).output == f"event {row} will be retried\n"
    assert backlog(engine).waiting == 1


def test_the_worker_as_a_process_ends_politely_when_asked_to(engine: Engine, database_url: str, tmp_path: Path) -> None:
    load(engine, marketplace())
    environ = {**os.environ, "DATABASE_URL": database_url, "TQS_DATA_DIR": str(tmp_path)}
    environ["MLFLOW_TRACKING_URI"] = "http://127.0.0.1:1"
    log = (tmp_path / "log").open("w+b")
    process = subprocess.Popen([sys.executable, "-m", "cli", "worker"], env=environ, stderr=log)
    try:
        sent(engine, missed())
        _until(lambda: backlog(engine).waiting == 0, 60)
        assert [worker.pid for worker in seen_workers(engine)] == [process.pid]
        process.terminate()
        assert process.wait(20) == 0
        assert not seen_workers(engine)
    finally:
        process.kill()
        log.seek(0)
        assert b"Traceback" not in log.read()
        log.close()


def test_a_full_disk_costs_no_event_a_try_and_parks_nothing(engine: Engine, worker: Worker) -> None:
    """PostgreSQL reports a full disk as an error of class 53, raised here by a trigger."""
    sent(engine, missed(), missed("e2", "s2"))
    trigger = """
        CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full'; END $$;
        CREATE TRIGGER full_disk BEFORE INSERT ON scores FOR EACH STATEMENT EXECUTE FUNCTION full_disk()
    """
    with engine.begin() as connection:
        connection.execute(text(trigger))
    for _ in range(7):
        with pytest.raises(DatabaseUnavailable, match=r"has no room or no connection left \(DiskFull\)"):
            worker.drain()
    with engine.begin() as connection:
        connection.execute(text("DROP TRIGGER full_disk ON scores"))
    assert worker.drain() == 2
    assert {row.tries for row in rows(engine, "SELECT tries FROM inbox")} == {1}


def test_what_cannot_be_applied_about_an_erased_tutor_loses_its_content_and_bothers_nobody(
    engine: Engine, worker: Worker
) -> None:
    sent(engine, event("tutor.deleted", "d", NOW - HOUR, tutor_id="ada"))
    worker.drain()
    sent(engine, event("tutor.updated", "u1", NOW - 2 * HOUR, tutor_id="ada", name=WORD, timezone="Nowhere/X"))
    sent(engine, event("tutor.updated", "u2", NOW - 2 * HOUR, tutor_id="ada", full_name=WORD))
    worker.drain()
    assert (backlog(engine).parked, backlog(engine).waiting) == (0, 0)
    assert WORD not in str(rows(engine, "SELECT body FROM inbox"))
