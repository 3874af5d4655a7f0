"""Predictions from the model's columns in the request body, without a database query."""

from starlette.concurrency import run_in_threadpool

from domain.scores import Score
from domain.vocabulary import Task
from insights.advice.actions import action_for
from models.score.scoring import score_described
from serving.bodies.predictions import Features, ScoreView
from serving.http.problems import FieldError, InvalidFields
from serving.resources import Resources


async def scores_of(question: Features, task: Task, resources: Resources) -> list[ScoreView]:
    """Scores of a row of features. Raises InvalidFields, NoModel, ModelMismatch, DatabaseUnavailable."""
    champion = resources.champions.known(task)
    if champion is None:
        champion = await run_in_threadpool(resources.champions.get, task)
    row, errors = champion.columns.row(question.features)
    if errors:
        raise InvalidFields([FieldError(field=f"features.{name}", detail=error) for name, error in errors.items()])
    scores = score_described(champion.model, champion.version, row, resources.now(), question.explain)
    return [ScoreView.of(with_action(score, question.explain)) for score in scores]


def with_action(score: Score, explain: bool) -> Score:
    """The score with a recommended action, if an explanation is requested."""
    return score.model_copy(update={"action": action_for(score)}) if explain else score
