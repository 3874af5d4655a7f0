"""Many requests, one transaction: what is to be written while a write is under way is written together by the next."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from starlette.concurrency import run_in_threadpool

from domain.errors import DatabaseUnavailable, TutorQualityError

LARGEST = 500
"""How many items one write takes at most."""

_ENDED = "the service ends before this was surely written: send it again"

Item = TypeVar("Item")
Result = TypeVar("Result")


Write = Callable[[list[Item]], Awaitable[list[Result]]]


def in_thread(write: Callable[[list[Item]], list[Result]]) -> Write[Item, Result]:
    """A write that blocks, in a thread."""
    return lambda items: run_in_threadpool(write, items)


class Grouped(Generic[Item, Result]):
    """A writer for one event loop. `write` takes the items of a group and gives a result for each, in order.

    A lone item is written at once; under load a group grows while the one before it is committed, so that the
    number of transactions is bounded by how fast the database commits, not by the number of requests.
    """

    def __init__(self, write: Write[Item, Result], largest: int = LARGEST) -> None:
        self._write, self.largest = write, largest
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Result:
        """Write an item with others; its result.

        Raises what `write` raised for its group, and DatabaseUnavailable where the service ends before.
        """
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all())
        return await future

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[: self.largest], self._waiting[self.largest :]
                await self._write_group(group)
        finally:
            self._writer = None
            left, self._waiting = self._waiting, []
            _fail(left, DatabaseUnavailable(_ENDED))

    async def _write_group(self, group: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._write([item for item, _ in group])
        except asyncio.CancelledError:
            _fail(group, DatabaseUnavailable(_ENDED))
            raise
        except TutorQualityError as error:
            return _fail(group, error)
        except Exception as error:
            return await self._write_alone(group, error)
        for (_, future), result in zip(group, results, strict=True):
            if not future.done():  # who asked may have gone
                future.set_result(result)

    async def _write_alone(self, group: list[tuple[Item, asyncio.Future[Result]]], error: Exception) -> None:
        """After an error that one item may have caused: only who caused it pays for it."""
        if len(group) == 1:
            return _fail(group, error)
        for one in group:
            await self._write_group([one])


def _fail(group: list[tuple[Item, asyncio.Future[Result]]], error: Exception) -> None:
    for _, future in group:
        if not future.done():
            future.set_exception(error)
