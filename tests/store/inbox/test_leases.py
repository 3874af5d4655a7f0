"""Leases of events: exclusive, limited in time, and no event is parked because of another one."""

import threading
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from domain.leases import LEASE, MAX_TRIES
from store.db.engine import writing
from store.inbox.leases import (
    DIED,
    Leased,
    LeaseLost,
    fail,
    finish,
    heartbeat,
    lease_events,
    park,
    release,
    wait,
)
from tests.lib.inbox_parts import DAY, HOUR, NOON, event, one, put, rows

WAITING = "SELECT count(*) AS n FROM inbox WHERE processed_at IS NULL AND parked_at IS NULL"


def _fill(engine: Engine, number: int, name: str = "e", priority: int = 1) -> list[int]:
    return put(engine, [event("message.sent", f"{name}{n}") for n in range(number)], priority=priority)


def _claimed(engine: Engine, lease: UUID, limit: int = 500, hours: float = 0) -> list[int]:
    return [leased.id for leased in lease_events(engine, limit, lease, NOON + hours * HOUR)]


def test_first_sessions_are_claimed_first_then_in_the_order_in_which_they_came(engine: Engine) -> None:
    late, soon = _fill(engine, 3), _fill(engine, 2, "first", priority=0)
    assert _claimed(engine, uuid4(), limit=4) == [*soon, *late[:2]]
    assert _claimed(engine, uuid4()) == late[2:]


def test_many_claiming_at_once_get_every_event_once(engine: Engine) -> None:
    ids, taken = _fill(engine, 200), []

    def work() -> None:
        while found := _claimed(engine, uuid4(), limit=7):
            taken.extend(found)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == ids


def test_a_claim_whose_lease_ran_out_goes_to_another_and_a_heartbeat_keeps_it(engine: Engine) -> None:
    (kept, lost), lease = _fill(engine, 2), uuid4()
    _claimed(engine, lease)
    heartbeat(engine, [kept], lease, NOON + HOUR)
    assert _claimed(engine, uuid4(), hours=1) == [lost]
    heartbeat(engine, [lost], lease, NOON + HOUR)
    assert one(engine, "SELECT lease FROM inbox WHERE id = :id", id=lost).lease != lease


def test_what_another_has_taken_over_cannot_be_finished_and_undoes_the_transaction(engine: Engine) -> None:
    ids, lease = _fill(engine, 2), uuid4()
    _claimed(engine, lease)
    other = uuid4()
    assert _claimed(engine, other, limit=1, hours=1) == ids[:1]
    with pytest.raises(LeaseLost, match="1 of 2 events"), writing(engine) as connection:
        finish(connection, ids, lease, NOON)
    assert one(engine, WAITING).n == 2
    with writing(engine) as connection:
        finish(connection, ids[:1], other, NOON)
    assert one(engine, WAITING).n == 1


def test_a_failed_event_is_tried_later_and_later_and_parked_with_its_reason_after_five_tries(engine: Engine) -> None:
    (row,), now, waited = _fill(engine, 1), NOON, []
    for number in range(1, MAX_TRIES + 1):
        lease = uuid4()
        (found,) = lease_events(engine, 10, lease, now)
        assert found.tries == number
        assert fail(engine, found, lease, f"reason {number}", now) is (number == MAX_TRIES)
        due = one(engine, "SELECT due_at FROM inbox").due_at
        if due is not None:
            waited.append(due - now)
            assert _claimed(engine, uuid4(), hours=(now - NOON) / HOUR) == []
            now = due
    assert waited == sorted(set(waited))
    parked = one(engine, "SELECT * FROM inbox")
    assert (parked.id, parked.parked_at, parked.error) == (row, now, "reason 5")
    assert _claimed(engine, uuid4(), hours=1000) == []


def test_an_event_that_kills_its_worker_is_parked_and_those_claimed_beside_it_are_not(engine: Engine) -> None:
    ids = _fill(engine, 600)
    poison, now, deaths = ids[100], NOON, 0
    while True:
        now += 2 * LEASE
        lease = uuid4()
        taken = [leased.id for leased in lease_events(engine, 500, lease, now)]
        if not taken:
            break
        if poison in taken:
            deaths += 1
            continue  # the worker dies: nothing is reported, the lease expires
        with writing(engine) as connection:
            finish(connection, taken, lease, now)
    assert deaths == 3 + MAX_TRIES  # three leased with others, which do not count
    parked = one(engine, "SELECT id, error, tries FROM inbox WHERE parked_at IS NOT NULL")
    assert parked == (poison, DIED, 3 + MAX_TRIES)
    assert one(engine, WAITING).n == 0


def test_the_fourth_try_of_an_event_is_alone(engine: Engine) -> None:
    _fill(engine, 600)
    sizes = [len(_claimed(engine, uuid4(), hours=n)) for n in range(5)]
    assert sizes == [500, 62, 7, 1, 1]


def test_what_waits_for_something_else_or_is_given_back_is_not_counted_as_a_try(engine: Engine) -> None:
    first, second = _fill(engine, 2)
    lease = uuid4()
    _claimed(engine, lease)
    wait(engine, [first], lease, "not yet", NOON + DAY)
    release(engine, [second], lease)
    again: list[Leased] = lease_events(engine, 10, uuid4(), NOON)
    assert [(leased.id, leased.tries) for leased in again] == [(second, 1)]
    assert one(engine, "SELECT error, tries FROM inbox WHERE id = :id", id=first) == ("not yet", 0)


def test_nothing_is_done_to_an_event_under_anothers_lease(engine: Engine) -> None:
    (row,), mine = _fill(engine, 1), uuid4()
    _claimed(engine, mine)
    for does in (lambda: park(engine, [row], uuid4(), "no", NOON), lambda: release(engine, [row], uuid4())):
        does()
    assert rows(engine, "SELECT lease FROM inbox WHERE parked_at IS NULL") == [(mine,)]


def test_an_import_in_the_inbox_is_no_event_to_claim(engine: Engine) -> None:
    rows(engine, "INSERT INTO inbox (source, key, body, received_at) VALUES ('f', 'k', '{}', now()) RETURNING id")
    assert _claimed(engine, uuid4()) == []
