"""Rate limits by key or client address, with the library `limits` and fixed windows."""

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TypeVar

from limits import RateLimitItem, parse
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter
from starlette.concurrency import run_in_threadpool

from domain.errors import InvalidSettings, TooManyRequests, UnknownCaller
from gateways.settings import LimitStorage, Settings
from serving.guard.memory_counts import MemoryCounts
from store.access.rate_limits import PostgresStorage
from store.db.engine import Engine

WRONG_KEYS = "60/minute"
"""Wrong keys or tokens of one address that get a 401; further ones are checked slowly and get a 429."""

WITHOUT_KEY = "600/minute"
"""Requests of one address without a required key that get a 401; further ones get a 429."""

_SLOW_CHECKS = 2
"""Credentials checked concurrently for all addresses that sent too many wrong ones."""

_GUESS, _NO_KEY = "guess", "no key"

Result = TypeVar("Result")


@dataclass(frozen=True)
class RateLimitStatus:
    """State of one caller's window after a request: whether it is allowed, and what remains until the window ends."""

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: int

    @property
    def headers(self) -> dict[str, str]:
        """Headers that report the status with every response."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_seconds),
        }


class Limits:
    """Counts requests, in memory or in a storage shared by all processes. Never blocks the event loop on a database."""

    def __init__(
        self, rate: str, storage: Storage, wrong_keys: str = WRONG_KEYS, without_key: str = WITHOUT_KEY
    ) -> None:
        self._rate, self._wrong, self._without = parse(rate), parse(wrong_keys), parse(without_key)
        self._slow_lane = asyncio.Semaphore(_SLOW_CHECKS)
        self._limiter = FixedWindowRateLimiter(storage)
        # Wrong keys are few and counted before any query, so each process counts its own.
        self._guesses = FixedWindowRateLimiter(storage if _is_quick(storage) else MemoryCounts())
        self._is_quick = _is_quick(storage)

    async def count(self, counted_by: str) -> RateLimitStatus:
        """Count one request. Raises DatabaseUnavailable if the counts are stored in an unavailable database."""
        return self._count(counted_by) if self._is_quick else await run_in_threadpool(self._count, counted_by)

    async def check_credential(self, address: str, look_up: Callable[[], Result]) -> Result:
        """The result of a blocking check of a credential, run in a thread.

        A valid credential is always accepted, whatever else its address sent; after too many wrong ones only two are
        checked at a time. Raises UnknownCaller for a wrong one, TooManyRequests after too many.
        """
        is_slow = not self._guesses.test(self._wrong, _GUESS, address)
        async with self._slow_lane if is_slow else nullcontext():
            try:
                return await run_in_threadpool(look_up)
            except UnknownCaller:
                self._count_refusal(self._wrong, _GUESS, address)
                raise

    def count_without_key(self, address: str) -> None:
        """Count one request without a key. Raises TooManyRequests after too many."""
        self._count_refusal(self._without, _NO_KEY, address)

    def _count_refusal(self, limit: RateLimitItem, kind: str, address: str) -> None:
        if not self._guesses.hit(limit, kind, address):
            end, _ = self._guesses.get_window_stats(limit, kind, address)
            raise TooManyRequests(_seconds_until(end))

    def _count(self, counted_by: str) -> RateLimitStatus:
        allowed = self._limiter.hit(self._rate, counted_by)
        end, remaining = self._limiter.get_window_stats(self._rate, counted_by)
        return RateLimitStatus(allowed, self._rate.amount, remaining, _seconds_until(end))


def limits_of(settings: Settings, engine: Engine) -> Limits:
    """The limits of the settings. Raises InvalidSettings if several processes would each count separately."""
    check_workers(settings)
    shared = settings.rate_limit_storage is LimitStorage.POSTGRESQL
    return Limits(settings.rate_limit, PostgresStorage(engine) if shared else MemoryCounts())


def check_workers(settings: Settings) -> None:
    """Raise InvalidSettings if several processes would each count requests separately."""
    if settings.api_workers > 1 and settings.rate_limit_storage is LimitStorage.MEMORY:
        raise InvalidSettings(
            f"TQS_RATE_LIMIT_STORAGE: {settings.api_workers} worker processes cannot share counts in memory: set it to "
            "postgresql, or TQS_API_WORKERS to 1"
        )


def _is_quick(storage: Storage) -> bool:
    return isinstance(storage, MemoryCounts)


def _seconds_until(end: float) -> int:
    return max(math.ceil(end - time.time()), 1)  # `end` is by the clock of `limits`, which takes no other
