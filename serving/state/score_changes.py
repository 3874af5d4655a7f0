"""One ear for the whole process: what changed in the scores, to any number of clients, each at its own pace."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import takewhile

from starlette.concurrency import run_in_threadpool

from domain.changes import Change
from domain.errors import DatabaseUnavailable
from store.db.engine import Engine
from store.db.listener import Listener
from store.scores.changes import changes_after, ends_of_changes

logger = logging.getLogger("tutor_quality.serving")

REMEMBERED = 10_000
"""Changes kept in memory. A client that is further behind reads from the database, so nobody's pace costs memory."""

PAGE = 500
QUIET_SECONDS = 15.0
"""After so long without a change a client is told that the line still holds."""

_RETRY_SECONDS = 1.0


class Hub:
    """Follows the changes of one database for one event loop.

    The ids of changes are in the order in which they can be seen (`store.scores.changes.one_writer`): a client that
    has seen one has missed none before it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._recent: deque[Change] = deque(maxlen=REMEMBERED)
        self._since = 0
        self._news = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ring = asyncio.Event()
        self._listener: Listener | None = None
        self._opening = asyncio.Lock()
        self._reader: asyncio.Task[None] | None = None
        self.is_closed = False

    def close(self) -> None:
        """End every stream, and listen no more. May be called from a signal handler."""
        self.is_closed = True
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is gone, and every stream with it
                self._loop.call_soon_threadsafe(self._end)
        if self._listener is not None:
            self._listener.close()

    async def follow(self, after: int, tutor_id: str | None = None) -> AsyncIterator[Change | None]:
        """The changes with an id above `after`, of one tutor if given, as they come; None now and then where none do.

        Ends when the hub is closed. Raises DatabaseUnavailable.
        """
        await self._open()
        place = after
        while not self.is_closed:
            news = self._news
            found, reached = await self._after(place, tutor_id)
            for change in found:
                yield change
            if reached > place:
                place = reached
                continue
            if not await _set_within(news, QUIET_SECONDS) and not self.is_closed:
                yield None

    async def _after(self, place: int, tutor_id: str | None) -> tuple[list[Change], int]:
        """Changes after a place, and the place up to which that is all."""
        last = self._last
        if place >= self._since:
            later = [*takewhile(lambda change: change.id > place, reversed(self._recent))][::-1]
            return [change for change in later if tutor_id in (None, change.tutor_id)], max(place, last)
        found = await run_in_threadpool(changes_after, self._engine, place, PAGE, tutor_id)
        return found, found[-1].id if len(found) == PAGE else max(place, last, found[-1].id if found else 0)

    @property
    def _last(self) -> int:
        return self._recent[-1].id if self._recent else self._since

    async def _open(self) -> None:
        async with self._opening:
            if self._reader is None and not self.is_closed:
                self._loop = asyncio.get_running_loop()
                self._since = (await run_in_threadpool(ends_of_changes, self._engine))[1]
                self._reader = asyncio.create_task(self._read_on())
                self._listener = Listener(self._engine, ["score_changes"], lambda _: self._call())
                self._listener.start()

    async def _read_on(self) -> None:
        while not self.is_closed:
            await self._ring.wait()
            self._ring.clear()
            try:
                await self._read_new()
            except DatabaseUnavailable as error:
                logger.warning("%s", error)
                await asyncio.sleep(_RETRY_SECONDS)
                self._ring.set()

    async def _read_new(self) -> None:
        while found := await run_in_threadpool(changes_after, self._engine, self._last, PAGE):
            crowded = len(self._recent) + len(found) - REMEMBERED
            if crowded > 0:
                self._since = self._recent[crowded - 1].id
            self._recent.extend(found)
            self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    def _call(self) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._ring.set)

    def _end(self) -> None:
        self._tell()
        if self._reader is not None:
            self._reader.cancel()


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
