"""Liveness and readiness, for load balancers; no key needed."""

from fastapi import APIRouter

from domain.vocabulary import Task
from serving.bodies import examples
from serving.bodies.predictions import Health, Readiness
from serving.guard.permissions import Open, access
from serving.resources import AppResources
from store.db.engine import ping

router = APIRouter(prefix="/api", tags=["probes"])


@router.get("/health", summary="The process runs")
@access(Open(), example=examples.HEALTH)
async def health() -> Health:
    """The process answers."""
    return Health()


@router.get("/ready", summary="It can serve")
@access(Open(), example=examples.READINESS)
def ready(resources: AppResources) -> Readiness:
    """The database answers, and these versions of the models are loaded.

    Without a model `status` is `no_model`, and scores are answered with a sentence. Without the database it is a 503
    problem.
    """
    ping(resources.engine)
    found = {task: resources.champions.find(task) for task in Task}
    versions = {task.value: champion.version if champion else None for task, champion in found.items()}
    return Readiness(status="ready" if any(versions.values()) else "no_model", models=versions)
