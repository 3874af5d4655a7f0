"""Who sends a key or a token: asked of the database once, then remembered until the database says a key changed."""

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
"""Who sends the installation's own key: the setting, or the file in the data folder. It makes the first keys."""

REMEMBERED_AT_MOST = 10_000
REMEMBERED_FOR = timedelta(minutes=5)
LAST_USED_EVERY = timedelta(minutes=1)

_WRONG = "send a key that is neither wrong, expired nor revoked as `Authorization: Bearer …` or `X-API-Key: …`"


@dataclass(frozen=True)
class _Remembered:
    principal: Principal
    until: datetime


class Callers:
    """Finds out who sends a credential. Safe between threads.

    What is found is remembered only while this process would hear of a revocation (NOTIFY on `api_keys`), and for
    five minutes at most. A revocation made by this process should call `forget` itself.
    """

    def __init__(self, engine: Engine, installation_key: str, tokens: Tokens, now: Callable[[], datetime]) -> None:
        self._engine, self._tokens, self._now = engine, tokens, now
        self._installation = _digest(installation_key) if installation_key else b""
        self._remembered: dict[bytes, _Remembered] = {}
        self._lock, self._generation = Lock(), 0
        self._used: dict[str, datetime] = {}
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="last used")
        self._listener = Listener(engine, ["api_keys"], lambda _: self.forget(), self.forget)

    def start(self) -> None:
        """Begin to listen for changes of keys; until then everybody is asked for with every request."""
        self._listener.start()

    def close(self) -> None:
        """Stop listening, and write what is still to be written."""
        self._listener.close()
        self._writer.shutdown()

    def wait_listening(self, seconds: float) -> bool:
        """Wait until changes of keys are heard of; whether they are."""
        return self._listener.wait_connected(seconds)

    def forget(self) -> None:
        """Ask the database again for everybody."""
        with self._lock:
            self._generation += 1
            self._remembered.clear()

    def known(self, credential: str) -> Principal | None:
        """Who sends this, if that can be said without asking the database."""
        digest = _digest(credential)
        if self._installation and hmac.compare_digest(digest, self._installation):
            return INSTALLATION
        found = self._remembered.get(digest)
        if found is None or self._now() >= found.until:
            return None
        self._note_use(found.principal.id)
        return found.principal

    def find(self, credential: str) -> Principal:
        """Who sends this. Raises UnknownCaller, DatabaseUnavailable."""
        known = self.known(credential)
        if known is not None:
            return known
        generation = self._generation  # before the question: an answer from before a revocation is not remembered
        principal, until = self._ask(credential)
        self._remember(credential, _Remembered(principal, until), generation)
        self._note_use(principal.id)
        return principal

    def key_of(self, key_id: str, secret: str) -> ApiKey:
        """The working key of an id, if this is its secret. Raises UnknownCaller, DatabaseUnavailable."""
        key = self._working(key_id)
        if not key.opens_with(secret):
            raise UnknownCaller(_WRONG)
        return key

    def _ask(self, credential: str) -> tuple[Principal, datetime]:
        written = parts(credential)
        if written is not None:
            key = self.key_of(*written)
            return key.principal, key.expires_at or datetime.max.replace(tzinfo=self._now().tzinfo)
        if credential.count(".") != 2:
            raise UnknownCaller(_WRONG)
        token = self._tokens.read(credential, self._now())
        _refuse_more_than(self._working(token.principal.id), token.principal)
        return token.principal, token.expires_at

    def _working(self, key_id: str) -> ApiKey:
        # PostgreSQL cannot even be asked for an id with NUL in it.
        key = find_key(self._engine, key_id) if key_id.isprintable() else None
        if key is None or not key.works(self._now()):
            raise UnknownCaller(_WRONG)
        return key

    def _remember(self, credential: str, found: _Remembered, generation: int) -> None:
        with self._lock:
            if not self._listener.is_connected or generation != self._generation:
                return
            if len(self._remembered) >= REMEMBERED_AT_MOST:
                self._remembered.clear()
            until = min(found.until, self._now() + REMEMBERED_FOR)
            self._remembered[_digest(credential)] = _Remembered(found.principal, until)

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
            logger.warning("when key %s was last used is not written: %s", key_id, error)


def _refuse_more_than(key: ApiKey, principal: Principal) -> None:
    """A token may say less than its key, never more: the key's own word counts, also where it has changed."""
    same = (key.role, key.tutor_id) == (principal.role, principal.tutor_id)
    within = key.scopes is None or (principal.scopes is not None and principal.scopes <= key.scopes)
    if not (same and within):
        raise UnknownCaller(_WRONG)


def _digest(credential: str) -> bytes:
    # Of equal length, whatever is sent; and no secret lies about in memory longer than its request.
    return sha256(credential.encode(errors="surrogatepass")).digest()
