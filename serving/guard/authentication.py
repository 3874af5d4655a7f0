"""Authentication of API keys and access tokens, cached until PostgreSQL notifies that a key changed."""

import hmac
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from threading import Lock

from domain.errors import DatabaseUnavailable, UnknownCaller
from domain.keys import ApiKey, parts
from domain.policy import Principal, Role
from serving.guard.tokens import Tokens
from store.access.keys import find_key, mark_used
from store.db.engine import Engine
from store.db.listener import Listener

logger = logging.getLogger("tutor_quality.serving")

INSTALLATION = Principal("installation", Role.ADMIN)
"""Caller of the installation's own key, from the setting or the file in the data folder. It makes the first keys."""

CACHE_SIZE = 10_000
CACHED_FOR = timedelta(minutes=5)
LAST_USED_EVERY = timedelta(minutes=1)

_WRONG = "send a key that is neither wrong, expired nor revoked as `Authorization: Bearer …` or `X-API-Key: …`"


@dataclass(frozen=True)
class _Cached:
    principal: Principal
    until: datetime


class Authenticator:
    """Authenticates credentials. Thread-safe.

    Results are cached only while this process listens for revocations (NOTIFY on `api_keys`), and for five minutes at
    most. Code that revokes a key in this process must call `clear_cache` itself.
    """

    def __init__(self, engine: Engine, installation_key: str, tokens: Tokens, now: Callable[[], datetime]) -> None:
        self._engine, self._tokens, self._now = engine, tokens, now
        self._installation = _digest(installation_key) if installation_key else b""
        self._cache: dict[bytes, _Cached] = {}
        self._lock, self._generation = Lock(), 0
        self._used: dict[str, datetime] = {}
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="last used")
        self._listener = Listener(engine, ["api_keys"], lambda _: self.clear_cache(), self.clear_cache)

    def start(self) -> None:
        """Start listening for changes of keys; until connected, nothing is cached."""
        self._listener.start()

    def close(self) -> None:
        """Stop listening and finish pending writes."""
        self._listener.close()
        self._writer.shutdown()

    def wait_listening(self, seconds: float) -> bool:
        """Wait until the listener is connected. Returns whether it is."""
        return self._listener.wait_connected(seconds)

    def clear_cache(self) -> None:
        """Drop every cached result, so that the next request of each caller queries the database."""
        with self._lock:
            self._generation += 1
            self._cache.clear()

    def cached(self, credential: str) -> Principal | None:
        """The caller of a credential, without a query; None if it is not cached."""
        digest = _digest(credential)
        if self._installation and hmac.compare_digest(digest, self._installation):
            return INSTALLATION
        entry = self._cache.get(digest)
        if entry is None or self._now() >= entry.until:
            return None
        self._note_use(entry.principal.id)
        return entry.principal

    def authenticate(self, credential: str) -> Principal:
        """The caller of a credential. Raises UnknownCaller, DatabaseUnavailable."""
        cached = self.cached(credential)
        if cached is not None:
            return cached
        generation = self._generation  # read before the query: a result from before a revocation is not cached
        principal, until = self._look_up(credential)
        self._keep(credential, _Cached(principal, until), generation)
        self._note_use(principal.id)
        return principal

    def key_of(self, key_id: str, secret: str) -> ApiKey:
        """The valid key with this id and secret. Raises UnknownCaller, DatabaseUnavailable."""
        key = self._valid_key(key_id)
        if not key.opens_with(secret):
            raise UnknownCaller(_WRONG)
        return key

    def _look_up(self, credential: str) -> tuple[Principal, datetime]:
        key_parts = parts(credential)
        if key_parts is not None:
            key = self.key_of(*key_parts)
            return key.principal, key.expires_at or datetime.max.replace(tzinfo=self._now().tzinfo)
        if credential.count(".") != 2:
            raise UnknownCaller(_WRONG)
        token = self._tokens.read(credential, self._now())
        _refuse_wider(self._valid_key(token.principal.id), token.principal)
        return token.principal, token.expires_at

    def _valid_key(self, key_id: str) -> ApiKey:
        # PostgreSQL rejects a query for an id that contains NUL.
        key = find_key(self._engine, key_id) if key_id.isprintable() else None
        if key is None or not key.works(self._now()):
            raise UnknownCaller(_WRONG)
        return key

    def _keep(self, credential: str, entry: _Cached, generation: int) -> None:
        with self._lock:
            if not self._listener.is_connected or generation != self._generation:
                return
            if len(self._cache) >= CACHE_SIZE:
                self._cache.clear()
            until = min(entry.until, self._now() + CACHED_FOR)
            self._cache[_digest(credential)] = _Cached(entry.principal, until)

    def _note_use(self, key_id: str) -> None:
        now = self._now()
        last = self._used.get(key_id)
        if last is None or now - last >= LAST_USED_EVERY:
            self._used[key_id] = now
            self._writer.submit(self._write_use, key_id, now)

    def _write_use(self, key_id: str, now: datetime) -> None:
        try:
            mark_used(self._engine, key_id, now)
        except DatabaseUnavailable as error:
            logger.warning("cannot record the last use of key %s: %s", key_id, error)


def _refuse_wider(key: ApiKey, principal: Principal) -> None:
    """Raise UnknownCaller for a token that grants more than its key does now: a key may have changed since."""
    same = (key.role, key.tutor_id) == (principal.role, principal.tutor_id)
    within = key.scopes is None or (principal.scopes is not None and principal.scopes <= key.scopes)
    if not (same and within):
        raise UnknownCaller(_WRONG)


def _digest(credential: str) -> bytes:
    # Digests have equal length, whatever is sent, and no secret stays in memory longer than its request.
    return sha256(credential.encode(errors="surrogatepass")).digest()
