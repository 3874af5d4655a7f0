"""Fan-out of score changes: one LISTEN connection per process, any number of subscribers."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import takewhile

from starlette.concurrency import run_in_threadpool

from domain.changes import ScoreChange
from domain.errors import DatabaseUnavailable
from store.db.engine import Engine
from store.db.listener import Listener
from store.scores.changes import changes_after, ends_of_changes

logger = logging.getLogger("tutor_quality.serving")

REMEMBERED = 10_000
"""Changes kept in memory. A subscriber that is further behind reads from the database, so slow ones use no memory."""

PAGE = 500
QUIET_SECONDS = 15.0
"""Time without a change after which a subscriber gets a keep-alive."""

_RETRY_SECONDS = 1.0


class Hub:
    """Fan-out of the score changes of one database within one event loop.

    Ids of changes are in the order of their visibility (`store.scores.changes.one_writer`): a subscriber that has
    received one has missed none before it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._recent: deque[ScoreChange] = deque(maxlen=REMEMBERED)
        self._since = 0
        self._changed = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._listener: Listener | None = None
        self._opening = asyncio.Lock()
        self._reader: asyncio.Task[None] | None = None
        self.is_closed = False

    def close(self) -> None:
        """End every stream and stop listening. Safe to call from a signal handler."""
        self.is_closed = True
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended, and every stream with it
                self._loop.call_soon_threadsafe(self._end)
        if self._listener is not None:
            self._listener.close()

    async def follow(self, after: int, tutor_id: str | None = None) -> AsyncIterator[ScoreChange | None]:
        """Changes with an id above `after`, of one tutor if given, as they occur; None as a keep-alive in between.

        Ends when the hub is closed. Raises DatabaseUnavailable.
        """
        await self._open()
        place = after
        while not self.is_closed:
            changed = self._changed
            changes, reached = await self._after(place, tutor_id)
            for change in changes:
                yield change
            if reached > place:
                place = reached
                continue
            if not await _set_within(changed, QUIET_SECONDS) and not self.is_closed:
                yield None

    async def _after(self, place: int, tutor_id: str | None) -> tuple[list[ScoreChange], int]:
        """Changes after an id, and the id up to which they are complete."""
        last = self._last
        if place >= self._since:
            later = [*takewhile(lambda change: change.id > place, reversed(self._recent))][::-1]
            return [change for change in later if tutor_id in (None, change.tutor_id)], max(place, last)
        changes = await run_in_threadpool(changes_after, self._engine, place, PAGE, tutor_id)
        return changes, changes[-1].id if len(changes) == PAGE else max(place, last, changes[-1].id if changes else 0)

    @property
    def _last(self) -> int:
        return self._recent[-1].id if self._recent else self._since

    async def _open(self) -> None:
        async with self._opening:
            if self._reader is None and not self.is_closed:
                self._loop = asyncio.get_running_loop()
                self._since = (await run_in_threadpool(ends_of_changes, self._engine))[1]
                self._reader = asyncio.create_task(self._read_loop())
                self._listener = Listener(self._engine, ["score_changes"], lambda _: self._notified())
                self._listener.start()

    async def _read_loop(self) -> None:
        while not self.is_closed:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._read_new()
            except DatabaseUnavailable as error:
                logger.warning("%s", error)
                await asyncio.sleep(_RETRY_SECONDS)
                self._wake.set()

    async def _read_new(self) -> None:
        while changes := await run_in_threadpool(changes_after, self._engine, self._last, PAGE):
            excess = len(self._recent) + len(changes) - REMEMBERED
            if excess > 0:
                self._since = self._recent[excess - 1].id
            self._recent.extend(changes)
            self._publish()

    def _publish(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _notified(self) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._wake.set)

    def _end(self) -> None:
        self._publish()
        if self._reader is not None:
            self._reader.cancel()


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
