"""Warm-up before the first request: compiled kernels, the models' trees, a database connection."""

import gc
import logging
from datetime import timedelta

from domain.errors import TutorQualityError
from domain.vocabulary import Task
from features.history.history import History
from models.artifact.champion import Champion
from models.score.model_rows import active_rows
from models.score.scoring import score_churn, score_sessions
from serving.bodies.predictions import DescribedSession
from serving.resources import Resources
from serving.routes.predict import described_row
from store.db.engine import upgrade
from store.facts.history import HISTORY_KINDS, read_dataset
from store.facts.lookups import any_tutor

logger = logging.getLogger("tutor_quality.serving")

NO_TUTOR = "nobody"
"""Id used where no tutor is stored."""


def warm_up(resources: Resources) -> None:
    """Upgrade the schema and predict once with every model, for any tutor; the predictions are discarded.

    Does nothing without a model or a database: a service may start before either.
    """
    try:
        upgrade(resources.engine)
        for task in Task:
            champion = resources.champions.find(task)
            if champion is not None:
                _predict(task, champion, resources)
    except TutorQualityError as error:
        logger.warning("warm-up skipped: %s", " ".join(str(error).split()))
    # Objects allocated up to now live as long as the process: freezing spares requests their garbage collection.
    gc.collect()
    gc.freeze()


def _predict(task: Task, champion: Champion, resources: Resources) -> None:
    now, tutor_id = resources.now(), any_tutor(resources.engine) or NO_TUTOR
    history = resources.histories.of_tutor(tutor_id)
    if history is None:
        history = History(read_dataset(resources.engine, [NO_TUTOR], HISTORY_KINDS))
    if task is Task.CHURN:
        score_churn(active_rows(champion.model, champion.version, history, now))
        return
    question = DescribedSession(tutor_id=tutor_id, starts_at=now + timedelta(days=1))
    session = history.columns_of(described_row(question, history.dataset, now))
    score_sessions(champion.model, champion.version, history, [NO_TUTOR], session, now)
