"""What happens to a process or its database, at any moment: nothing that was taken is lost, nothing scored twice.

Each test starts the real service, the real worker and a PostgreSQL of its own, and prints how often it did what.
"""

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import psycopg2
import pytest

from tests.lib.chaos import PATIENCE, Database, Sender, Stage, check_all_there, sending, sessions, stage
from tests.lib.small_disk import fill, small_disk

SESSIONS = 3_000
_folders = count()


@pytest.fixture
def folder(server_folder: Path) -> Path:
    """A folder that the database's account may enter."""
    found = server_folder / f"chaos-{next(_folders)}"
    found.mkdir()
    return found


def parts(number: int, of: int, seed: int) -> list[list[dict[str, Any]]]:
    """The events of `number` sessions in `of` parts of about one size."""
    events = sessions(number, seed, datetime.now(UTC))
    return [events[n * number // of : (n + 1) * number // of] for n in range(of)]


def all_of(given: Sequence[Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The parts together."""
    return [event for part in given for event in part]


def test_a_few_kills_and_a_restart_lose_nothing(folder: Path) -> None:
    """The short form of all that is slow below: one kill of the worker as it starts, and one at work."""
    with stage(folder) as on:
        sender, rng, told = Sender(on.address), Random(1), parts(240, 4, seed=1)
        for part in told[:2]:
            kill_at_work(on, sender, part, rng)
        with sending(sender, told[2]):
            time.sleep(0.1)
            restart(on.database, signal.SIGQUIT)
        with sending(sender, told[3]):
            time.sleep(0.1)
            on.service.kill()
            on.service.start()
        on.wait_done()
        check_all_there(on, sender, all_of(told))
        sender.check_refusals()
        say(on, sender)


@pytest.mark.slow
def test_a_worker_killed_fifty_times_loses_and_repeats_nothing(folder: Path) -> None:
    with stage(folder) as on:
        sender, rng, told = Sender(on.address), Random(50), parts(SESSIONS, 50, seed=50)
        interrupted = sum(kill_at_work(on, sender, part, rng) for part in told)
        on.wait_done()
        check_all_there(on, sender, all_of(told))
        assert on.worker.kills >= 50
        assert interrupted >= 10, "hardly ever was it killed at work"
        say(on, sender, f"{interrupted} of the kills left events claimed")


@pytest.mark.slow
def test_a_service_killed_twenty_times_keeps_all_that_it_took(folder: Path) -> None:
    with stage(folder) as on:
        sender, rng, told = Sender(on.address), Random(20), parts(SESSIONS, 20, seed=20)
        for part in told:
            with sending(sender, part):
                time.sleep(rng.uniform(0, 0.7))
                on.service.kill()
                on.service.start()
        on.wait_done()
        check_all_there(on, sender, all_of(told))
        sender.check_refusals()
        assert on.service.kills >= 20
        say(on, sender)


@pytest.mark.slow
def test_postgresql_restarted_ten_times_is_waited_for(folder: Path) -> None:
    with stage(folder) as on:
        sender, rng, told = Sender(on.address), Random(10), parts(SESSIONS, 10, seed=10)
        for n, part in enumerate(told):
            with sending(sender, part):
                time.sleep(rng.uniform(0, 1))
                restart(on.database, signal.SIGQUIT if n % 2 else signal.SIGINT, away=rng.uniform(0, 2))
        on.wait_done()
        check_all_there(on, sender, all_of(told))
        sender.check_refusals()
        assert sender.answers[503] > 0
        assert on.database.restarts >= 10
        assert on.worker.is_running
        say(on, sender)


@pytest.mark.slow
def test_while_others_hold_every_connection_nothing_is_taken_that_is_not_kept(folder: Path) -> None:
    with stage(folder, {"max_connections": "40"}) as on:
        sender, told = Sender(on.address), parts(SESSIONS, 6, seed=6)
        for part in told:
            with sending(sender, part), every_connection(on.database.url) as held:
                time.sleep(2)
        on.wait_done()
        check_all_there(on, sender, all_of(told))
        sender.check_refusals()
        assert sender.answers[503] > 0
        assert on.worker.is_running
        say(on, sender, f"{len(told)} times all of 40 connections were taken, the last time {held} by others")


@pytest.mark.slow
def test_a_full_disk_stops_the_service_and_loses_nothing(folder: Path) -> None:
    """The database lies on a file system in memory, which is filled to the last byte."""
    with small_disk(folder, 400) as disk, stage(folder, {"max_wal_size": "64MB"}, cluster=disk) as on:
        sender, told = Sender(on.address), parts(SESSIONS, 5, seed=5)
        for part in told:
            fill(disk)
            with sending(sender, part):
                time.sleep(4)
                (disk / "fill").unlink()
                on.database.start()  # where it gave up altogether, as whoever runs it would
            assert sender.answers[503] > 0
        on.wait_done()
        check_all_there(on, sender, all_of(told))
        sender.check_refusals()
        assert on.worker.is_running
        say(on, sender, f"the disk was full {len(told)} times")


def kill_at_work(on: Stage, sender: Sender, part: Sequence[dict[str, Any]], rng: Random) -> bool:
    """Kill the worker and start another while events arrive; whether events were claimed when it died.

    One kill in five hits a worker that is starting, the others one that has just taken something up.
    """
    done, leases = work(on)
    with sending(sender, part):
        until = time.monotonic() + (rng.uniform(0, 1.5) if rng.random() < 0.2 else PATIENCE)
        while work(on) == (done, leases) and time.monotonic() < until:
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.15))
        on.worker.kill()
        claimed = work(on)[1] != leases
        on.worker.start()
    return claimed


def work(on: Stage) -> tuple[int, int]:
    """How many events are done, and how often one was claimed that is not."""
    tries = "SELECT coalesce(sum(tries), 0) FROM inbox WHERE processed_at IS NULL"
    return on.count("SELECT count(*) FROM inbox WHERE processed_at IS NOT NULL"), on.count(tries)


def restart(database: Database, how: signal.Signals, away: float = 0.5) -> None:
    """Take the database away for so many seconds."""
    database.stop(how)
    time.sleep(away)
    database.start()


@contextmanager
def every_connection(url: str) -> Iterator[int]:
    """Hold every connection the server has; those who had one are sent away."""
    plain = url.replace("postgresql+psycopg2://", "postgresql://", 1)
    with ExitStack() as held:
        first = held.enter_context(closing(psycopg2.connect(plain, application_name="chaos")))
        first.autocommit = True
        number, until = 1, time.monotonic() + 1
        while time.monotonic() < until:
            with suppress(psycopg2.OperationalError):
                while True:
                    held.enter_context(closing(psycopg2.connect(plain, application_name="chaos")))
                    number += 1
            send_others_away(first)
        yield number


def send_others_away(connection: Any) -> None:
    """End the connections of the service and the worker, which hold what they were given before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE client_port IS NOT NULL AND client_addr IS NOT NULL AND application_name <> 'chaos' "
            "AND pid <> pg_backend_pid()"
        )


def say(on: Stage, sender: Sender, more: str = "") -> None:
    """Print what was done."""
    answers = ", ".join(f"{number} x {status or 'no answer'}" for status, number in sorted(sender.answers.items()))
    print(
        f"\nworker killed {on.worker.kills} times, service {on.service.kills}, PostgreSQL restarted "
        f"{on.database.restarts}; {len(set(sender.taken))} sessions, answers: {answers}; 0 lost, 0 scored twice. {more}"
    )
