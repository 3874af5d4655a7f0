"""Types of the attributes of sessions, for checking events before they are taken."""

from collections.abc import Mapping
from threading import Lock
from time import monotonic

from starlette.concurrency import run_in_threadpool

from domain.vocabulary import AttributeType
from store.db.engine import Engine
from store.facts.attributes import types_of_sessions

FRESH_SECONDS = 5.0
"""Age after which the types are read again: an import that defines an attribute counts that late at most."""


class AttributeTypes:
    """Types of attributes by name, read from the database every few seconds at most."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._lock = engine, Lock()
        self._read_at = float("-inf")
        self._types: Mapping[str, AttributeType] = {}

    async def current(self) -> Mapping[str, AttributeType]:
        """The types as they were within FRESH_SECONDS. Raises DatabaseUnavailable."""
        if monotonic() - self._read_at > FRESH_SECONDS:
            await run_in_threadpool(self._read)
        return self._types

    def _read(self) -> None:
        with self._lock:
            if monotonic() - self._read_at > FRESH_SECONDS:  # another request has not read them meanwhile
                began = monotonic()
                self._types = types_of_sessions(self._engine)
                self._read_at = began
