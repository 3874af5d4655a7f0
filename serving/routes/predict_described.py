"""Predictions from the model's columns in the body: nothing is asked of the database."""

from starlette.concurrency import run_in_threadpool

from domain.scores import Score
from domain.vocabulary import Task
from insights.advice.actions import action_for
from models.score.scoring import score_described
from serving.bodies.predictions import Features, ScoreView
from serving.http.problems import FieldError, InvalidFields
from serving.resources import Resources


async def scores_of(question: Features, task: Task, resources: Resources) -> list[ScoreView]:
    """The scores of a described row. Raises InvalidFields, NoModel, ModelMismatch, DatabaseUnavailable."""
    champion = resources.champions.known(task)
    if champion is None:
        champion = await run_in_threadpool(resources.champions.get, task)
    row, wrong = champion.columns.row(question.features)
    if wrong:
        raise InvalidFields([FieldError(field=f"features.{name}", detail=why) for name, why in wrong.items()])
    scores = score_described(champion.model, champion.version, row, resources.now(), question.explain)
    return [ScoreView.of(told(score, question.explain)) for score in scores]


def told(score: Score, explain: bool) -> Score:
    """The score with what to do, where somebody asks why."""
    return score.model_copy(update={"action": action_for(score)}) if explain else score
