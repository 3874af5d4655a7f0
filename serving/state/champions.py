"""Cache of the champions, verified against the ledger."""

import time
from collections.abc import Callable
from threading import Lock

import numpy as np

from domain.errors import NoModel
from domain.vocabulary import Task
from models.artifact.champion import Champion, open_model
from store.db.engine import Engine
from store.ledger.models import champion as stored_champion
from store.ledger.models import champion_key

RECHECK_SECONDS = 30.0


class Champions:
    """The champion of each task, checked against the ledger at most every `RECHECK_SECONDS`. Thread-safe."""

    def __init__(self, engine: Engine, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._engine, self._monotonic, self._lock = engine, monotonic, Lock()
        self._loaded: dict[Task, Champion] = {}
        self._checked: dict[Task, float] = {}

    def known(self, task: Task) -> Champion | None:
        """The champion if it was checked within `RECHECK_SECONDS`, otherwise None. Never queries the database."""
        checked = self._checked.get(task)
        is_fresh = checked is not None and self._monotonic() - checked < RECHECK_SECONDS
        return self._loaded.get(task) if is_fresh else None

    def find(self, task: Task) -> Champion | None:
        """The champion, None if there is none. Raises ModelMismatch, DatabaseUnavailable."""
        with self._lock:
            loaded = self._loaded.get(task)
            # A missing champion is not cached, so that the first one serves at once.
            if loaded is None or self._monotonic() - self._checked[task] >= RECHECK_SECONDS:
                loaded = self._refresh(task, loaded)
            return loaded

    def get(self, task: Task) -> Champion:
        """The champion. Raises NoModel, ModelMismatch, DatabaseUnavailable."""
        champion = self.find(task)
        if champion is None:
            raise NoModel(f"there is no {task} model yet: train one, then retry")
        return champion

    def _refresh(self, task: Task, loaded: Champion | None) -> Champion | None:
        if loaded is None or champion_key(self._engine, task) != loaded.key:
            loaded = self._read(task)
        if loaded is not None:
            self._loaded[task], self._checked[task] = loaded, self._monotonic()
        return loaded

    def _read(self, task: Task) -> Champion | None:
        stored = stored_champion(self._engine, task)
        return _warmed(open_model(stored.version, stored.model_bytes, stored.sidecar)) if stored else None


def _warmed(champion: Champion) -> Champion:
    """The champion after one prediction and explanation, which build its tree structures before the first request."""
    unknown = np.full((1, len(champion.model.sidecar.columns)), np.nan, dtype=np.float32)
    champion.model.probabilities(unknown)
    champion.model.contributions(unknown)
    return champion
