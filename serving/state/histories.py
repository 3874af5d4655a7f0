"""Histories of tutors, ready for questions: kept until something is written of the tutor, whoever writes it."""

from threading import Lock

from cachetools import LRUCache

from features.history.history import History
from quality.reasons import with_reason_codes
from store.db.engine import Engine
from store.facts.history import Stamp, read_stamped, stamp_around, stamp_of

MOST_ROWS = 500_000
"""Sessions, messages and reschedules of all histories that are kept: some 160 MB."""


class Histories:
    """Coded histories of the tutors who were asked about last. Safe between threads.

    The stamp of a history is asked of the database with every question, so what is given is never older than the
    question; it is read and coded again only where the stamp is another (ADR 15).
    """

    def __init__(self, engine: Engine, most_rows: int = MOST_ROWS) -> None:
        self._engine, self._lock = engine, Lock()
        self._kept: LRUCache[str, tuple[Stamp, History]] = LRUCache(most_rows, getsizeof=lambda kept: _rows(kept[1]))

    def of_tutor(self, tutor_id: str) -> History | None:
        """What a tutor did; None for an id nobody has. Raises DatabaseUnavailable."""
        return self._at(stamp_of(self._engine, tutor_id))

    def around(self, session_id: str) -> History | None:
        """What the tutor did who gives a session; None for an id nobody has. Raises DatabaseUnavailable."""
        return self._at(stamp_around(self._engine, session_id))

    def _at(self, stamp: Stamp | None) -> History | None:
        if stamp is None:
            return None
        with self._lock:
            kept = self._kept.get(stamp.tutor_id)
        if kept is not None and kept[0] == stamp:
            return kept[1]
        found = read_stamped(self._engine, stamp.tutor_id)
        if found is None:
            return None
        read = found[0], History(with_reason_codes(found[1]))
        with self._lock:
            if _rows(read[1]) <= self._kept.maxsize:
                self._kept[stamp.tutor_id] = read
        return read[1]


def _rows(history: History) -> int:
    return sum(table.num_rows for table in history.dataset.tables.values())
