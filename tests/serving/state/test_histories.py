"""Cached histories: read once, and never older than the last write."""

from dataclasses import replace
from threading import Thread
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from domain.horizons import AT_BOOKING
from domain.vocabulary import Task
from features.as_of.priors import Prior, Priors
from features.as_of.queries import microseconds_of, of_sessions, of_tutors
from features.base.dataset import OF_STUDENTS
from features.history.history import History
from models.artifact.matrix import build, features_of
from quality.reasons import with_reason_codes
from serving.resources import Resources
from serving.state.champions import Champions
from serving.state.histories import Histories
from store.facts.apply_events import apply
from store.facts.history import HISTORY_KINDS, read_dataset
from store.facts.load import load
from tests.lib.api_parts import HEADERS, KEY, NOW, marketplace, register, serving, small_model
from tests.lib.inbox_parts import DAY, HOUR, NOON, arrived, event

BOOKED = event("session.booked", "e1", NOON - 3 * DAY)
TUTOR, SESSION = BOOKED["data"]["tutor_id"], BOOKED["data"]["session_id"]
PRIORS = Priors.all_equal(Prior(rate=0.1, strength=7))
STORY = (
    BOOKED,
    event("session.rescheduled", "e2", NOON - 2 * DAY, starts_at=NOON + DAY, ends_at=NOON + DAY + HOUR),
    event("session.completed", "e3", NOON + DAY, starts_at=NOON + DAY, ends_at=None, rating=5),
    event("session.booked", "e4", NOON - DAY, tutor_id="another"),
    event("session.no_show", "e5", NOON + 2 * DAY, starts_at=NOON + DAY, ends_at=None),
    event("message.sent", "e6", NOON - DAY),
    event("tutor.updated", "e7", NOON - 9 * DAY),
    event("student.deleted", "e10", NOON + 3 * DAY),
    event("tutor.deleted", "e8", NOON + 3 * DAY),
    event("session.booked", "e9", NOON, session_id="s-9", tutor_id="third"),
)


@pytest.fixture
def histories(engine: Engine) -> Histories:
    load(engine, marketplace())
    return Histories(engine)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(STORY), size=st.integers(1, 3))
def test_after_any_events_what_is_given_is_what_is_stored(
    engine: Engine, order: list[dict[str, Any]], size: int
) -> None:
    with engine.begin() as connection:
        for name in ("messages", "reschedules", "sessions", "students", "tutors", "latest_events"):
            connection.execute(text(f"DELETE FROM {name}"))
    histories = Histories(engine)
    while order:
        apply(engine, arrived(order[:size], NOON))
        order = order[size:]
        for tutor_id in (TUTOR, "another", "third"):
            stored = with_reason_codes(read_dataset(engine, [tutor_id], HISTORY_KINDS))
            kept = histories.of_tutor(tutor_id)
            assert kept.dataset.tables == stored.tables if kept else not stored.tables["tutors"].num_rows
            assert kept is None or tutor_id != TUTOR or _columns(kept) == _columns(History(stored))


def _columns(history: History) -> bytes:
    """Columns of both models for every session and tutor, some days after the events."""
    as_of = microseconds_of(NOON + 20 * DAY)
    queries = {
        Task.NO_SHOW: of_sessions(history.sessions, as_of=as_of),
        Task.CHURN: of_tutors(np.arange(history.n_tutors), as_of),
    }
    return b"".join(build(features_of(task), (), history, of, PRIORS).tobytes() for task, of in queries.items())


def test_a_history_is_read_once_until_something_is_written_of_its_tutor(engine: Engine, histories: Histories) -> None:
    ada, ben = histories.around("next"), histories.of_tutor("ben")
    apply(engine, arrived([event("message.sent", "m1", NOW, tutor_id="ben")], NOW))
    assert histories.of_tutor("ada") is histories.around("next") is ada
    assert histories.of_tutor("ben") is not ben


def test_an_import_counts_as_written_of_everybody(engine: Engine, histories: Histories) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE dataset_facts SET departures_given = false"))
    before = histories.of_tutor("ben")
    load(engine, marketplace())
    after = histories.of_tutor("ben")
    assert before is not None
    assert after is not None
    assert (before.dataset.departures_given, after.dataset.departures_given) == (False, True)


def test_what_an_import_declares_about_the_data_is_in_histories_read_before(
    engine: Engine, histories: Histories
) -> None:
    before = histories.of_tutor("ben")
    load(engine, replace(marketplace(), asked=AT_BOOKING, histories=(OF_STUDENTS,)))
    after = histories.of_tutor("ben")
    assert before is not None
    assert after is not None
    assert (before.dataset.asked, before.dataset.histories) == (None, None)
    assert (after.dataset.asked, after.dataset.histories) == (AT_BOOKING, (OF_STUDENTS,))


def test_a_session_that_goes_to_another_tutor_between_two_looks_is_looked_for_again(engine: Engine) -> None:
    load(engine, marketplace())
    looks = iter(["ben", "ada"])

    class Late(Histories):
        def around(self, session_id: str) -> History | None:
            return self.of_tutor(next(looks))

    register(engine, small_model())
    resources = Resources(engine, Champions(engine), KEY, lambda: NOW)
    vars(resources)["histories"] = Late(engine)
    with serving(resources) as address:
        answer = httpx.post(f"{address}/api/predict/no_show", json={"session_id": "next"}, headers=HEADERS)
    assert (answer.json()["tutor_id"], next(looks, None)) == ("ada", None)


def test_nobody_and_a_session_nobody_gives_have_no_history(histories: Histories) -> None:
    assert histories.of_tutor("nobody") is histories.around("none") is None


def test_no_more_rows_are_kept_than_asked(engine: Engine) -> None:
    load(engine, marketplace())
    rows = {name: read_dataset(engine, [name], HISTORY_KINDS) for name in ("ada", "ben")}
    of_ada = sum(table.num_rows for table in rows["ada"].tables.values())
    both, one_of_them, not_even_ada = (Histories(engine, most) for most in (of_ada + 1, of_ada, of_ada - 1))
    assert _is_kept(both, "ada", "ben")
    assert not _is_kept(one_of_them, "ada", "ben")
    assert _is_kept(one_of_them, "ben", "ben")
    assert not _is_kept(not_even_ada, "ada", "ada")


def _is_kept(histories: Histories, tutor_id: str, meanwhile: str) -> bool:
    first: History | None = histories.of_tutor(tutor_id)
    histories.of_tutor(meanwhile)
    return histories.of_tutor(tutor_id) is first


def test_while_events_are_applied_no_answer_is_older_than_its_question(engine: Engine, histories: Histories) -> None:
    """Each of 40 messages is visible to a query after its write, while three threads query continuously."""
    done = False

    def ask() -> None:
        while not done:
            histories.of_tutor("ada")

    askers = [Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    try:
        for n in range(40):
            apply(engine, arrived([event("message.sent", f"m{n}", NOW, tutor_id="ada", message_id=f"m{n}")], NOW))
            found = histories.of_tutor("ada")
            assert found is not None
            assert found.dataset.tables["messages"].num_rows == n + 1
    finally:
        done = True
        for asker in askers:
            asker.join()
