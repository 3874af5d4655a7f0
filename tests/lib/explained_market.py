"""Reasons of a simulated market by small models, with the numbers they are about."""

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np

from domain.scores import Reason, Score
from domain.vocabulary import Task
from features.history.history import History
from flows.train import request_of
from jobs.scoring import model_scores
from models.artifact.champion import Champion
from models.artifact.matrix import QueriedRows
from models.artifact.model import Model
from models.examples.rows import data_span
from models.explain.explanation import explain
from models.explain.own_numbers import OwnNumbers, own_numbers
from models.score.model_rows import active_rows, booked_rows
from models.train.fitting import FittedModel, fit
from tests.lib.markets import FEW, market


@dataclass(frozen=True)
class ExplainedRows:
    """Rows of one model with their reasons: (rows, columns) of the matrix, its contributions, and own numbers."""

    fitted: FittedModel
    rows: QueriedRows

    @property
    def model(self) -> Model:
        return self.fitted.model

    @property
    def matrix(self) -> np.ndarray:
        return self.rows.matrix

    @cached_property
    def contributions(self) -> np.ndarray:
        return self.model.contributions(self.matrix)

    @cached_property
    def numbers(self) -> OwnNumbers:
        return own_numbers(self.model.sidecar, self.rows.past)

    @cached_property
    def reasons(self) -> list[tuple[Reason, ...]]:
        return explain(self.model, self.matrix, self.numbers)

    def column(self, name: str) -> np.ndarray:
        return self.matrix[:, self.model.sidecar.columns.index(name)]


@lru_cache(maxsize=1)
def explained_market() -> dict[Task, ExplainedRows]:
    """Booked sessions of 14 days by a no-show model, and active tutors by a churn model."""
    history = History(market(FEW).dataset)
    end = data_span(history)[1] + 1
    small = {"cut": end, "params": {"rounds": 30}}
    fitted = {task: fit(replace(request_of(task, history, seed=1), **small), end) for task in Task}
    rows_of = {Task.NO_SHOW: booked_rows, Task.CHURN: active_rows}
    return {
        task: ExplainedRows(fitted[task], rows_of[task](fitted[task].model, f"{task}/1", history, FEW.end).rows)
        for task in Task
    }


@lru_cache(maxsize=1)
def scored_market() -> list[Score]:
    """All scores of the market by these models."""
    explained = explained_market()
    champions = {task: Champion(rows.model, f"{task}/1") for task, rows in explained.items()}
    return model_scores(explained[Task.CHURN].rows.history, champions, FEW.end)
