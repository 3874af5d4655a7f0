"""How often somebody may ask, counted by key or by address with the library `limits`, in windows of fixed length."""

import math
import time
from dataclasses import dataclass

from limits import parse
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter
from starlette.concurrency import run_in_threadpool

from domain.errors import InvalidSettings, TooManyRequests
from gateways.settings import LimitStorage, Settings
from serving.memory_counts import MemoryCounts
from store.database import Engine
from store.rate_limits import PostgresStorage

WRONG_KEYS = "60/minute"
"""How many wrong keys or tokens one address may send before nothing unknown is looked at any more."""


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

    def __init__(self, rate: str, storage: Storage, wrong_keys: str = WRONG_KEYS) -> None:
        self._rate, self._wrong = parse(rate), parse(wrong_keys)
        self._limiter = FixedWindowRateLimiter(storage)
        # Wrong keys are few and counted before any database is asked, so each process counts its own.
        self._guesses = FixedWindowRateLimiter(storage if _is_quick(storage) else MemoryCounts())
        self._is_quick = _is_quick(storage)

    async def ask(self, who: str) -> Standing:
        """Count one request. Raises DatabaseUnavailable where the counts are kept in a database that is away."""
        return self._ask(who) if self._is_quick else await run_in_threadpool(self._ask, who)

    def refuse_guessing(self, address: str) -> None:
        """Raises TooManyRequests for an address that sent too many wrong keys."""
        if not self._guesses.test(self._wrong, "guess", address):
            end, _ = self._guesses.get_window_stats(self._wrong, "guess", address)
            raise TooManyRequests(_seconds_until(end))

    def guessed_wrong(self, address: str) -> None:
        """Count one wrong key."""
        self._guesses.hit(self._wrong, "guess", address)

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
