"""Faults of processes and the database at any moment: no accepted event is lost, nothing is scored twice.

Each test starts the real service, the real worker and its own PostgreSQL, and prints counts of kills and responses.
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
    """A folder that the database server's account may enter."""
    found = server_folder / f"chaos-{next(_folders)}"
    found.mkdir()
    return found


def parts(number: int, of: int, seed: int) -> list[list[dict[str, Any]]]:
    """Events of `number` sessions in `of` parts of about equal size."""
    events = sessions(number, seed, datetime.now(UTC))
    return [events[n * number // of : (n + 1) * number // of] for n in range(of)]


def all_of(batches: Sequence[Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Events of all parts."""
    return [event for part in batches for event in part]


def test_a_few_kills_and_a_restart_lose_nothing(folder: Path) -> None:
    """Short version of the slow tests below: the worker is killed once while starting and once at work."""
    with stage(folder) as on:
        sender, rng, batches = Sender(on.address), Random(1), parts(240, 4, seed=1)
        for part in batches[:2]:
            kill_at_work(on, sender, part, rng)
        with sending(sender, batches[2]):
            time.sleep(0.1)
            restart(on.database, signal.SIGQUIT)
        with sending(sender, batches[3]):
            time.sleep(0.1)
            on.service.kill()
            on.service.start()
        on.wait_done()
        check_all_there(on, sender, all_of(batches))
        sender.check_refusals()
        say(on, sender)


@pytest.mark.slow
def test_a_worker_killed_fifty_times_loses_and_repeats_nothing(folder: Path) -> None:
    with stage(folder) as on:
        sender, rng, batches = Sender(on.address), Random(50), parts(SESSIONS, 50, seed=50)
        interrupted = sum(kill_at_work(on, sender, part, rng) for part in batches)
        on.wait_done()
        check_all_there(on, sender, all_of(batches))
        assert on.worker.kills >= 50
        assert interrupted >= 10, "too few kills hit a worker with leased events"
        say(on, sender, f"{interrupted} of the kills left events leased")


@pytest.mark.slow
def test_a_service_killed_twenty_times_keeps_all_that_it_took(folder: Path) -> None:
    with stage(folder) as on:
        sender, rng, batches = Sender(on.address), Random(20), parts(SESSIONS, 20, seed=20)
        for part in batches:
            with sending(sender, part):
                time.sleep(rng.uniform(0, 0.7))
                on.service.kill()
                on.service.start()
        on.wait_done()
        check_all_there(on, sender, all_of(batches))
        sender.check_refusals()
        assert on.service.kills >= 20
        say(on, sender)


@pytest.mark.slow
def test_postgresql_restarted_ten_times_is_waited_for(folder: Path) -> None:
    with stage(folder) as on:
        sender, rng, batches = Sender(on.address), Random(10), parts(SESSIONS, 10, seed=10)
        for n, part in enumerate(batches):
            with sending(sender, part):
                time.sleep(rng.uniform(0, 1))
                restart(on.database, signal.SIGQUIT if n % 2 else signal.SIGINT, away=rng.uniform(0, 2))
        on.wait_done()
        check_all_there(on, sender, all_of(batches))
        sender.check_refusals()
        assert sender.answers[503] > 0
        assert on.database.restarts >= 10
        assert on.worker.is_running
        say(on, sender)


@pytest.mark.slow
def test_while_others_hold_every_connection_nothing_is_taken_that_is_not_kept(folder: Path) -> None:
    with stage(folder, {"max_connections": "40"}) as on:
        sender, batches = Sender(on.address), parts(SESSIONS, 6, seed=6)
        for part in batches:
            with sending(sender, part), every_connection(on.database.url) as held:
                time.sleep(2)
        on.wait_done()
        check_all_there(on, sender, all_of(batches))
        sender.check_refusals()
        assert sender.answers[503] > 0
        assert on.worker.is_running
        say(on, sender, f"{len(batches)} times all of 40 connections were taken, the last time {held} by others")


@pytest.mark.slow
def test_a_full_disk_stops_the_service_and_loses_nothing(folder: Path) -> None:
    """The database is on an in-memory file system, which is filled to the last byte."""
    with small_disk(folder, 400) as disk, stage(folder, {"max_wal_size": "64MB"}, cluster=disk) as on:
        sender, batches = Sender(on.address), parts(SESSIONS, 5, seed=5)
        for part in batches:
            fill(disk)
            with sending(sender, part):
                time.sleep(4)
                (disk / "fill").unlink()
                on.database.start()  # manual restart, in case the server has given up
            assert sender.answers[503] > 0
        on.wait_done()
        check_all_there(on, sender, all_of(batches))
        sender.check_refusals()
        assert on.worker.is_running
        say(on, sender, f"the disk was full {len(batches)} times")


def kill_at_work(on: Stage, sender: Sender, part: Sequence[dict[str, Any]], rng: Random) -> bool:
    """Kill and restart the worker while events arrive. Returns whether it held leases when it was killed.

    One kill in five hits a starting worker, the others one that has just leased events.
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
    """Number of processed events, and number of leases taken on unprocessed ones."""
    tries = "SELECT coalesce(sum(tries), 0) FROM inbox WHERE processed_at IS NULL"
    return on.count("SELECT count(*) FROM inbox WHERE processed_at IS NOT NULL"), on.count(tries)


def restart(database: Database, how: signal.Signals, away: float = 0.5) -> None:
    """Stop the database and restart it after `away` seconds."""
    database.stop(how)
    time.sleep(away)
    database.start()


@contextmanager
def every_connection(url: str) -> Iterator[int]:
    """Hold every connection of the server, after ending those of others. Yields the number held."""
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
    """End the connections that the service and the worker opened before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE client_port IS NOT NULL AND client_addr IS NOT NULL AND application_name <> 'chaos' "
            "AND pid <> pg_backend_pid()"
        )


def say(on: Stage, sender: Sender, more: str = "") -> None:
    """Print the counts of a test."""
    answers = ", ".join(f"{number} x {status or 'no answer'}" for status, number in sorted(sender.answers.items()))
    print(
        f"\nworker killed {on.worker.kills} times, service {on.service.kills}, PostgreSQL restarted "
        f"{on.database.restarts}; {len(set(sender.taken))} sessions, answers: {answers}; 0 lost, 0 scored twice. {more}"
    )
