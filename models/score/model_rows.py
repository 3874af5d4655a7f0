"""Rows of a model as of a moment, with their margins, shared by all scores of the model."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from domain.horizons import TUTOR_HORIZON
from features.as_of.queries import by_tutor, microseconds_of, of_sessions, of_tutors
from features.base.array_types import Values
from features.history.active import active_tutors
from features.history.history import History
from models.artifact.matrix import QueriedRows, query_rows
from models.artifact.model import Model
from models.examples.rows import booked_sessions


@dataclass(frozen=True)
class ModelRows:
    """The rows that a model of a version scores as of a moment."""

    model: Model
    version: str
    rows: QueriedRows
    as_of: datetime

    @cached_property
    def margins(self) -> Values:
        """The uncalibrated log-odds, (rows,) or (rows, periods)."""
        return self.model.margins(self.rows.matrix)


def booked_rows(model: Model, version: str, history: History, as_of: datetime) -> ModelRows:
    """Returns the sessions booked for the next 14 days as rows of the no-show model, sorted by tutor."""
    moment = microseconds_of(as_of)
    booked = booked_sessions(history, moment, TUTOR_HORIZON)
    queries = by_tutor(of_sessions(history.sessions, booked, moment), history.n_tutors)[1]
    return ModelRows(model, version, query_rows(model.sidecar, history, queries), as_of)


def active_rows(model: Model, version: str, history: History, as_of: datetime) -> ModelRows:
    """Returns the active tutors as rows of the churn model."""
    moment = microseconds_of(as_of)
    queries = of_tutors(active_tutors(history, moment), moment)
    return ModelRows(model, version, query_rows(model.sidecar, history, queries), as_of)
