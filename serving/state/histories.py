"""Cache of tutor histories, valid until any process writes about the tutor."""

from dataclasses import replace
from threading import Lock

from cachetools import LRUCache

from features.history.history import History
from quality.reasons import with_reason_codes
from store.db.engine import Engine
from store.facts.group_days import CachedGroupDays
from store.facts.stamped_history import Stamp, StampedHistory, read_stamped, stamp_around, stamp_of

MOST_ROWS = 500_000
"""Most sessions, messages and reschedules in all cached histories: about 160 MB."""


class Histories:
    """Least-recently-used cache of histories with reason codes. Thread-safe.

    Every request reads the stamp of the history from the database, so a result is never older than the request. A
    history whose stamp has changed is extended with the rows written since, and coded again (ADR 15).
    """

    def __init__(self, engine: Engine, most_rows: int = MOST_ROWS) -> None:
        self._engine, self._lock = engine, Lock()
        self._group_days = CachedGroupDays(engine)
        self._kept: LRUCache[str, tuple[StampedHistory, History]] = LRUCache(
            most_rows, getsizeof=lambda kept: _rows(kept[1])
        )

    def of_tutor(self, tutor_id: str) -> History | None:
        """The history of a tutor; None for an unknown id. Raises DatabaseUnavailable."""
        return self.at(stamp_of(self._engine, tutor_id))

    def around(self, session_id: str) -> History | None:
        """The history of a session's tutor; None for an unknown session id. Raises DatabaseUnavailable."""
        return self.at(stamp_around(self._engine, session_id))

    def at(self, stamp: Stamp | None) -> History | None:
        """The history at a stamp, or at a later one; None for no stamp. Raises DatabaseUnavailable."""
        if stamp is None:
            return None
        with self._lock:
            kept = self._kept.get(stamp.tutor_id)
        if kept is not None and kept[0].stamp == stamp:
            return kept[1]
        read = read_stamped(self._engine, stamp.tutor_id, kept and kept[0])
        if read is None:
            return None
        # The coded tables are kept: classes of reasons that were filled in stay as they are.
        read = replace(read, dataset=with_reason_codes(read.dataset))
        history = History(read.dataset, self._group_days)
        if kept is not None:
            history.take_streams(kept[1])
        with self._lock:
            if _rows(history) <= self._kept.maxsize:
                self._kept[stamp.tutor_id] = read, history
        return history


def _rows(history: History) -> int:
    return sum(table.num_rows for table in history.dataset.tables.values())
