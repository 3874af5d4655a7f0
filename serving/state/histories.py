"""Cache of tutor histories, valid until any process writes about the tutor."""

from threading import Lock

from cachetools import LRUCache

from features.history.history import History
from quality.reasons import with_reason_codes
from store.db.engine import Engine
from store.facts.history import Stamp, read_stamped, stamp_around, stamp_of

MOST_ROWS = 500_000
"""Most sessions, messages and reschedules in all cached histories: about 160 MB."""


class Histories:
    """Least-recently-used cache of histories with reason codes. Thread-safe.

    Every request reads the stamp of the history from the database, so a result is never older than the request; the
    history itself is read and coded again only if the stamp has changed (ADR 15).
    """

    def __init__(self, engine: Engine, most_rows: int = MOST_ROWS) -> None:
        self._engine, self._lock = engine, Lock()
        self._kept: LRUCache[str, tuple[Stamp, History]] = LRUCache(most_rows, getsizeof=lambda kept: _rows(kept[1]))

    def of_tutor(self, tutor_id: str) -> History | None:
        """The history of a tutor; None for an unknown id. Raises DatabaseUnavailable."""
        return self._at(stamp_of(self._engine, tutor_id))

    def around(self, session_id: str) -> History | None:
        """The history of a session's tutor; None for an unknown session id. Raises DatabaseUnavailable."""
        return self._at(stamp_around(self._engine, session_id))

    def _at(self, stamp: Stamp | None) -> History | None:
        if stamp is None:
            return None
        with self._lock:
            kept = self._kept.get(stamp.tutor_id)
        if kept is not None and kept[0] == stamp:
            return kept[1]
        stamped = read_stamped(self._engine, stamp.tutor_id)
        if stamped is None:
            return None
        history = History(with_reason_codes(stamped[1]))
        with self._lock:
            if _rows(history) <= self._kept.maxsize:
                self._kept[stamp.tutor_id] = stamped[0], history
        return history


def _rows(history: History) -> int:
    return sum(table.num_rows for table in history.dataset.tables.values())
