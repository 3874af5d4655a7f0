"""Group commit: each caller receives its own result after the commit, and none waits forever."""

import asyncio
import threading
import time

import pytest

from domain.errors import DatabaseUnavailable
from serving.http.group_commit import GroupCommit, in_thread


def test_everybody_gets_their_own_result_and_requests_share_writes() -> None:
    groups: list[list[int]] = []

    def write(items: list[int]) -> list[int]:
        groups.append(items)
        time.sleep(0.01)
        return [item * 10 for item in items]

    async def all_of_them() -> list[int]:
        grouped = GroupCommit(in_thread(write), largest=50)
        return await asyncio.gather(*(grouped.submit(n) for n in range(200)))

    assert asyncio.run(all_of_them()) == [n * 10 for n in range(200)]
    assert sorted(item for group in groups for item in group) == list(range(200))
    assert len(groups) < 10
    assert max(map(len, groups)) == 50


def test_a_lone_item_is_written_at_once_and_the_next_one_again() -> None:
    groups: list[list[int]] = []

    def write(items: list[int]) -> list[None]:
        groups.append(items)
        return [None] * len(items)

    async def one_after_the_other() -> None:
        grouped = GroupCommit(in_thread(write))
        await grouped.submit(1)
        assert groups == [[1]]
        await grouped.submit(2)

    asyncio.run(one_after_the_other())
    assert groups == [[1], [2]]


def test_a_database_that_is_away_is_said_to_all_of_a_group_and_the_next_is_tried() -> None:
    away = True

    def write(items: list[int]) -> list[int]:
        if away:
            raise DatabaseUnavailable
        return items

    async def twice() -> None:
        nonlocal away
        grouped = GroupCommit(in_thread(write))
        answers = await asyncio.gather(*(grouped.submit(n) for n in range(5)), return_exceptions=True)
        assert [type(answer) for answer in answers] == [DatabaseUnavailable] * 5
        away = False
        assert await grouped.submit(7) == 7

    asyncio.run(twice())


def test_an_item_that_cannot_be_written_fails_alone() -> None:
    def write(items: list[int]) -> list[int]:
        if 3 in items:
            raise ValueError("three")
        return items

    async def ten() -> list[int | BaseException]:
        grouped = GroupCommit(in_thread(write))
        return await asyncio.gather(*(grouped.submit(n) for n in range(10)), return_exceptions=True)

    answers = asyncio.run(ten())
    assert isinstance(answers[3], ValueError)
    assert [answer for answer in answers if answer != answers[3]] == [0, 1, 2, 4, 5, 6, 7, 8, 9]


def test_who_goes_away_keeps_nobody_else_from_an_answer() -> None:
    async def one_gone() -> None:
        grouped = GroupCommit(in_thread(lambda items: items))
        tasks = [asyncio.create_task(grouped.submit(n)) for n in range(3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert (found[0], found[2]) == (0, 2)

    asyncio.run(one_gone())


def test_when_the_service_ends_everybody_is_told_rather_than_left_waiting() -> None:
    begun, ended = threading.Event(), threading.Event()

    def write(items: list[int]) -> list[int]:
        begun.set()
        ended.wait(5)
        return items

    async def ends() -> list[int | BaseException]:
        grouped = GroupCommit(in_thread(write), largest=1)
        tasks = [asyncio.create_task(grouped.submit(n)) for n in range(3)]
        await asyncio.to_thread(begun.wait, 5)
        assert grouped._writer is not None
        grouped._writer.cancel()
        await asyncio.sleep(0.01)
        ended.set()
        return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)

    answers = asyncio.run(ends())
    with pytest.raises(DatabaseUnavailable, match="send it again"):
        raise answers[0]  # type: ignore[misc]
    assert [type(answer) for answer in answers] == [DatabaseUnavailable] * 3
