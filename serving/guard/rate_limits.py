"""How often somebody may ask, counted by key or by address with the library `limits`, in windows of fixed length."""

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
"""Wrong keys or tokens of one address that are answered with 401; further ones are checked slowly, and get 429."""

WITHOUT_KEY = "600/minute"
"""Requests of one address, without a key where one is needed, that are answered with 401; further ones get 429."""

_SLOW_CHECKS = 2
"""Credentials checked at once for all addresses that sent too many wrong ones."""

_GUESS, _NO_KEY = "guess", "no key"

Found = TypeVar("Found")


@dataclass(frozen=True)
class Standing:
    """How somebody stands: whether they may ask now, and what is left until the window ends."""

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: int

    @property
    def headers(self) -> dict[str, str]:
        """What is said of it with every answer."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_seconds),
        }


class Limits:
    """Counts, in memory or where all processes count together. Never makes the event loop wait for a database."""

    def __init__(
        self, rate: str, storage: Storage, wrong_keys: str = WRONG_KEYS, without_key: str = WITHOUT_KEY
    ) -> None:
        self._rate, self._wrong, self._without = parse(rate), parse(wrong_keys), parse(without_key)
        self._slow_lane = asyncio.Semaphore(_SLOW_CHECKS)
        self._limiter = FixedWindowRateLimiter(storage)
        # Wrong keys are few and counted before any database is asked, so each process counts its own.
        self._guesses = FixedWindowRateLimiter(storage if _is_quick(storage) else MemoryCounts())
        self._is_quick = _is_quick(storage)

    async def ask(self, who: str) -> Standing:
        """Count one request. Raises DatabaseUnavailable where the counts are kept in a database that is away."""
        return self._ask(who) if self._is_quick else await run_in_threadpool(self._ask, who)

    async def check(self, address: str, look_up: Callable[[], Found]) -> Found:
        """The result of a blocking check of a credential, run in a thread.

        A right credential is always answered, whatever others at its address sent; after too many wrong ones only two
        are checked at a time. Raises UnknownCaller for a wrong one, TooManyRequests once there were too many.
        """
        is_slow = not self._guesses.test(self._wrong, _GUESS, address)
        async with self._slow_lane if is_slow else nullcontext():
            try:
                return await run_in_threadpool(look_up)
            except UnknownCaller:
                self._count_refusal(self._wrong, _GUESS, address)
                raise

    def count_without_key(self, address: str) -> None:
        """Count one request without a key. Raises TooManyRequests where there were too many."""
        self._count_refusal(self._without, _NO_KEY, address)

    def _count_refusal(self, limit: RateLimitItem, kind: str, address: str) -> None:
        if not self._guesses.hit(limit, kind, address):
            end, _ = self._guesses.get_window_stats(limit, kind, address)
            raise TooManyRequests(_seconds_until(end))

    def _ask(self, who: str) -> Standing:
        allowed = self._limiter.hit(self._rate, who)
        end, remaining = self._limiter.get_window_stats(self._rate, who)
        return Standing(allowed, self._rate.amount, remaining, _seconds_until(end))


def limits_of(settings: Settings, engine: Engine) -> Limits:
    """What the settings ask for. Raises InvalidSettings where several processes would each count for themselves."""
    check_workers(settings)
    shared = settings.rate_limit_storage is LimitStorage.POSTGRESQL
    return Limits(settings.rate_limit, PostgresStorage(engine) if shared else MemoryCounts())


def check_workers(settings: Settings) -> None:
    """Raises InvalidSettings where several processes would each count requests for themselves."""
    if settings.api_workers > 1 and settings.rate_limit_storage is LimitStorage.MEMORY:
        raise InvalidSettings(
            f"TQS_RATE_LIMIT_STORAGE: {settings.api_workers} processes cannot count in the memory of one: set it to "
            "postgresql, or TQS_API_WORKERS to 1"
        )


def _is_quick(storage: Storage) -> bool:
    return isinstance(storage, MemoryCounts)


def _seconds_until(end: float) -> int:
    return max(math.ceil(end - time.time()), 1)  # `end` is by the clock of `limits`, which takes no other
