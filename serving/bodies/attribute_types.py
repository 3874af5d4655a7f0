"""Cache of session attribute types, used to validate events before they are accepted."""

from collections.abc import Mapping
from threading import Lock
from time import monotonic

from starlette.concurrency import run_in_threadpool

from domain.vocabulary import AttributeType
from store.db.engine import Engine
from store.facts.attributes import types_of_sessions

FRESH_SECONDS = 5.0
"""Greatest age of the cached types: a newly imported attribute is effective after at most this time."""


class AttributeTypes:
    """Attribute types by name, read from the database at most every FRESH_SECONDS."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._lock = engine, Lock()
        self._read_at = float("-inf")
        self._types: Mapping[str, AttributeType] = {}

    async def current(self) -> Mapping[str, AttributeType]:
        """The types, at most FRESH_SECONDS old. Raises DatabaseUnavailable."""
        if monotonic() - self._read_at > FRESH_SECONDS:
            await run_in_threadpool(self._read)
        return self._types

    def _read(self) -> None:
        with self._lock:
            if monotonic() - self._read_at > FRESH_SECONDS:  # unless another request has just read them
                began = monotonic()
                self._types = types_of_sessions(self._engine)
                self._read_at = began
