"""Group commit: items that arrive during a write are written together in the next transaction."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from starlette.concurrency import run_in_threadpool

from domain.errors import DatabaseUnavailable, TutorQualityError

LARGEST = 500
"""Most items per write."""

_ENDED = "the service is shutting down and the write is not confirmed: send it again"

Item = TypeVar("Item")
Result = TypeVar("Result")


Write = Callable[[list[Item]], Awaitable[list[Result]]]


def in_thread(write: Callable[[list[Item]], list[Result]]) -> Write[Item, Result]:
    """An awaitable form of a blocking write, run in a thread."""
    return lambda items: run_in_threadpool(write, items)


class GroupCommit(Generic[Item, Result]):
    """Group commit within one event loop. `write` takes the items of a group and returns a result for each, in order.

    A lone item is written at once. Under load a group grows while the previous one commits, so the number of
    transactions is bounded by the database's commit rate, not by the number of requests.
    """

    def __init__(self, write: Write[Item, Result], largest: int = LARGEST) -> None:
        self._write, self.largest = write, largest
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Result:
        """Write an item together with others and return its result.

        Raises the exception of `write` for its group, and DatabaseUnavailable if the service shuts down before.
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
            if not future.done():  # the caller may have disconnected
                future.set_result(result)

    async def _write_alone(self, group: list[tuple[Item, asyncio.Future[Result]]], error: Exception) -> None:
        """Write each item alone after an error that one of them may have caused, so that only that one fails."""
        if len(group) == 1:
            return _fail(group, error)
        for entry in group:
            await self._write_group([entry])


def _fail(group: list[tuple[Item, asyncio.Future[Result]]], error: Exception) -> None:
    for _, future in group:
        if not future.done():
            future.set_exception(error)
