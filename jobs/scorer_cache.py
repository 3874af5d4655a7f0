"""Cache of champions and rate priors for a worker, refreshed at intervals."""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from domain.errors import ModelMismatch
from domain.vocabulary import Task
from features.history.history import History
from insights.rates.rate_priors import RatePriors, estimate_rate_priors
from insights.rates.tutor_rates import rate_scores
from jobs.scoring import Champions, open_stored, readable_scores, without_unreadable
from models.artifact.champion import Champion
from quality.reasons import with_reason_codes
from store.db.engine import Engine
from store.facts.group_days import CachedGroupDays
from store.facts.history import HISTORY_KINDS, read_dataset
from store.facts.samples import sample_of_tutors
from store.ledger.models import champion, champion_key

logger = logging.getLogger("tutor_quality.worker")

RECHECK_SECONDS = 30.0
"""Interval at which the ledger is checked for a new champion."""

PRIOR_SECONDS = 3600.0
"""Interval at which priors are estimated again: that of the scoring sweep."""

PRIOR_TUTORS = 400
"""Largest sample of tutors from which priors are estimated, always the same ones: accurate to a hundredth."""


class Scorers:
    """Champions, and what histories and scores of some tutors need from the marketplace. Not thread-safe."""

    def __init__(self, engine: Engine, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._engine, self._monotonic = engine, monotonic
        self._group_days = CachedGroupDays(engine)
        self._champions: dict[Task, Champion | None] = {}
        self._keys: dict[Task, tuple[str, str] | None] = {}
        self._rate_priors: RatePriors | None = None
        self._cold = True
        self._champions_due = self._priors_due = monotonic()

    def warm_up(self, now: datetime) -> None:
        """Load everything and score a few tutors, so that the first event does not wait for libraries to load.

        Raises DatabaseUnavailable.
        """
        champions, priors = self.champions(), self.rate_priors(now)
        if self._cold:
            history = self.history_of(sample_of_tutors(self._engine, 20))
            readable_scores(history, champions, now)
            rate_scores(history, now, priors)
            self._cold = False

    def history_of(self, tutor_ids: Sequence[str]) -> History:
        """History of some tutors, with classified reschedule reasons. Raises DatabaseUnavailable."""
        dataset = without_unreadable(read_dataset(self._engine, tutor_ids, HISTORY_KINDS))
        return History(with_reason_codes(dataset), self._group_days)

    def champions(self) -> Champions:
        """Champion of each task; None without one that can be opened. Raises DatabaseUnavailable."""
        if self._monotonic() >= self._champions_due:
            for task in Task:
                self._recheck(task)
            self._champions_due = self._monotonic() + RECHECK_SECONDS
        return dict(self._champions)

    def rate_priors(self, as_of: datetime) -> RatePriors:
        """Rate priors of the 90 days before a moment. Raises DatabaseUnavailable."""
        if self._rate_priors is None or self._monotonic() >= self._priors_due:
            history = self.history_of(sample_of_tutors(self._engine, PRIOR_TUTORS))
            self._rate_priors = estimate_rate_priors(history, as_of)
            self._priors_due = self._monotonic() + PRIOR_SECONDS
        return self._rate_priors

    def _recheck(self, task: Task) -> None:
        key = champion_key(self._engine, task)
        if task not in self._champions or key != self._keys[task]:
            self._champions[task], self._keys[task] = self._opened(task), key

    def _opened(self, task: Task) -> Champion | None:
        """The champion; None, and an error in the log, if it cannot be opened."""
        try:
            return open_stored(champion(self._engine, task))
        except ModelMismatch as error:
            logger.error("the %s champion does not score: %s", task, error)
            return None
