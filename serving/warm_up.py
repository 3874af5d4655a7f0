"""What the first request would else wait for: compiled kernels, the models' trees, a connection to the database."""

import gc
import logging
from datetime import timedelta

from domain.errors import TutorQualityError
from domain.vocabulary import Task
from features.history.history import History
from models.artifact.champion import Champion
from models.score.scoring import score_churn, score_sessions
from serving.bodies.predictions import DescribedSession
from serving.resources import Resources
from serving.routes.predict import described_row
from store.db.engine import upgrade
from store.facts.history import HISTORY_KINDS, read_dataset
from store.facts.lookups import any_tutor

logger = logging.getLogger("tutor_quality.serving")

NOBODY = "nobody"


def warm_up(resources: Resources) -> None:
    """Bring the schema up to date, predict once with every model there is, about some tutor, and tell nobody.

    Without a model or a database there is nothing to do: a service may start before either.
    """
    try:
        upgrade(resources.engine)
        for task in Task:
            champion = resources.champions.find(task)
            if champion is not None:
                _predict(task, champion, resources)
    except TutorQualityError as error:
        logger.warning("not warmed up: %s", " ".join(str(error).split()))
    # All that is here now stays for good: the collector need not look through it again while somebody waits.
    gc.collect()
    gc.freeze()


def _predict(task: Task, champion: Champion, resources: Resources) -> None:
    now, tutor_id = resources.now(), any_tutor(resources.engine) or NOBODY
    history = resources.histories.of_tutor(tutor_id)
    if history is None:
        history = History(read_dataset(resources.engine, [NOBODY], HISTORY_KINDS))
    if task is Task.CHURN:
        score_churn(champion.model, champion.version, history, now)
        return
    question = DescribedSession(tutor_id=tutor_id, starts_at=now + timedelta(days=1))
    session = history.columns_of(described_row(question, history.dataset, now))
    score_sessions(champion.model, champion.version, history, [NOBODY], session, now)
