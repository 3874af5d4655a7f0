"""Scoring of a history by models, shared by the hourly sweep and the event worker."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.errors import LateFeature, ModelMismatch
from domain.horizons import UPCOMING
from domain.score_kinds import SCORE_KINDS
from domain.scores import Score
from domain.time_zones import is_time_zone
from domain.vocabulary import SessionStatus, Task
from features.as_of.queries import microseconds_of, take
from features.base.dataset import Dataset
from features.base.known import known_at
from features.history.history import History
from insights.advice.actions import contact_action
from insights.advice.ranking import help_scores
from insights.rates.session_quality import session_scores
from insights.rates.tutor_rates import rate_scores
from models.artifact.champion import Champion, open_model
from models.artifact.matrix import attributes_with_values, check_attributes, check_readable
from models.examples.rows import booked_sessions
from models.score.model_rows import active_rows, booked_rows
from models.score.scoring import score_churn, score_sessions, score_tutors_no_show
from models.score.sessions_at_risk import score_sessions_at_risk
from store.ledger.models import StoredModel

logger = logging.getLogger("tutor_quality.scoring")

Champions = Mapping[Task, Champion | None]


def open_stored(stored: StoredModel | None) -> Champion | None:
    """Open a stored model; None for None."""
    return open_model(stored.version, stored.model_bytes, stored.sidecar) if stored else None


def all_scores(history: History, champions: Champions, as_of: datetime) -> list[Score]:
    """All scores of a marketplace as of a moment: those of the models, and rates.

    Raises ModelMismatch if an attribute that a model reads has no values any more, LateFeature.
    """
    there = attributes_with_values(history.dataset)
    for serves in filter(None, champions.values()):
        check_attributes(serves.model.sidecar, there)
    return [*model_scores(history, champions, as_of), *rate_scores(history, as_of)]


def past_scores(dataset: Dataset, champions: Champions, as_of: datetime) -> list[Score]:
    """Scores of the tutors at an earlier moment by today's champions, from what was known then; without reasons."""
    history = History(known_at(dataset, as_of))
    return [*tutor_scores(history, champions, as_of, with_reasons=False), *rate_scores(history, as_of)]


def model_scores(history: History, champions: Champions, as_of: datetime) -> list[Score]:
    """Scores of all models as of a moment. Raises ModelMismatch, LateFeature."""
    no_show = champions[Task.NO_SHOW]
    upcoming = upcoming_scores(history, no_show, as_of) if no_show else []
    return [*tutor_scores(history, champions, as_of), *upcoming]


def tutor_scores(history: History, champions: Champions, as_of: datetime, with_reasons: bool = True) -> list[Score]:
    """Scores of all active tutors as of a moment. Raises ModelMismatch, LateFeature."""
    no_show, churn = champions[Task.NO_SHOW], champions[Task.CHURN]
    booked = booked_rows(no_show.model, no_show.version, history, as_of) if no_show else None
    active = active_rows(churn.model, churn.version, history, as_of) if churn else None
    risk = score_tutors_no_show(booked, with_reasons) if booked else []
    leaving = score_churn(active, with_reasons) if active else []
    at_risk = score_sessions_at_risk(history, booked, active, as_of)
    return [*risk, *leaving, *at_risk, *help_scores(risk, leaving)]


def readable_scores(history: History, champions: Champions, as_of: datetime) -> list[Score]:
    """Scores of the champions that can read the dataset. Logs a champion that cannot and continues with the others."""
    readable = {task: champion for task, champion in champions.items() if _is_readable(champion, history.dataset)}
    return model_scores(history, dict.fromkeys(Task) | readable, as_of)


def _is_readable(champion: Champion | None, dataset: Dataset) -> bool:
    if champion is None:
        return False
    try:
        check_readable(champion.model.sidecar, dataset)
    except (LateFeature, ModelMismatch) as error:
        logger.error("the %s champion does not score: %s", champion.model.sidecar.task, error)
        return False
    return True


def upcoming_scores(history: History, no_show: Champion, as_of: datetime) -> list[Score]:
    """No-show risks of the sessions booked for the next 48 hours, with a recommended action."""
    rows = booked_sessions(history, microseconds_of(as_of), UPCOMING)
    ids = history.dataset.tables["sessions"]["session_id"].take(rows).to_pylist() if np.size(rows) else []
    scores = score_sessions(no_show.model, no_show.version, history, ids, take(history.sessions, rows), as_of)
    return [score.model_copy(update={"action": contact_action(score.reasons)}) for score in scores]


def quality_scores(history: History, session_ids: Iterable[str], as_of: datetime) -> list[Score]:
    """Quality scores of those of the sessions that were completed and have a rating."""
    sessions = history.dataset.tables["sessions"]
    selected = pc.is_in(sessions["session_id"], pa.array(list(session_ids), pa.string()))
    rated = pc.and_(pc.equal(sessions["status"], SessionStatus.COMPLETED), pc.is_valid(sessions["rating"]))
    rows = np.flatnonzero(pc.and_(selected, rated).to_numpy())
    return session_scores(history, rows, as_of) if rows.size else []


def shadow_scores(history: History, challengers: Champions, as_of: datetime) -> list[Score]:
    """Scores of the challengers that can read the dataset, as of a moment."""
    scores: list[Score] = []
    there = attributes_with_values(history.dataset)
    for name, waits in challengers.items():
        if waits:
            with skipping_unscorable(waits.version):
                check_attributes(waits.model.sidecar, there)
                scores += model_scores(history, dict.fromkeys(Task) | {name: waits}, as_of)
    return [score for score in scores if SCORE_KINDS[score.kind].task is not None]


@contextmanager
def skipping_unscorable(model: str) -> Iterator[None]:
    """Print the reason why a model cannot score, and continue after the block."""
    try:
        yield
    except (LateFeature, ModelMismatch) as error:
        print(f"{model} does not score: {error}")


def without_unreadable(dataset: Dataset) -> Dataset:
    """The dataset without tutors whose stored time zone is unknown; a warning names them."""
    tutors = dataset.tables["tutors"]
    zones = pc.unique(tutors["timezone"]).drop_null().to_pylist()
    unknown = pa.array([zone for zone in zones if not is_time_zone(zone)], pa.string())
    if not len(unknown):
        return dataset
    gone = tutors.filter(pc.is_in(tutors["timezone"], unknown))
    for row in gone.select(["tutor_id", "timezone"]).to_pylist():
        logger.warning(
            "tutor %r is not scored: the stored time zone %r is unknown; send tutor.updated with an IANA name",
            *row.values(),
        )
    return without_tutors(dataset, gone["tutor_id"].to_pylist())


def without_tutors(dataset: Dataset, tutor_ids: Iterable[str]) -> Dataset:
    """The dataset without some tutors, such as erased ones, and all rows about them."""
    gone = pa.array(list(tutor_ids), pa.string())
    if not len(gone):
        return dataset
    kept = {
        kind: table.filter(pc.invert(pc.is_in(table["tutor_id"], gone))) if "tutor_id" in table.column_names else table
        for kind, table in dataset.tables.items()
    }
    return replace(dataset, tables=kept)
