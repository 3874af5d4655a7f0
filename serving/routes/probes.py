"""Liveness and readiness probes for load balancers, without authentication."""

from fastapi import APIRouter

from domain.vocabulary import Task
from serving.bodies import examples
from serving.bodies.predictions import Health, Readiness
from serving.guard.permissions import Open, access
from serving.resources import AppResources
from store.db.engine import ping

router = APIRouter(prefix="/api", tags=["probes"])


@router.get("/health", summary="Liveness")
@access(Open(), example=examples.HEALTH)
async def health() -> Health:
    """Return 200 while the process runs."""
    return Health()


@router.get("/ready", summary="Readiness")
@access(Open(), example=examples.READINESS)
def ready(resources: AppResources) -> Readiness:
    """Return 200 if the database responds, with the loaded version of each model.

    Without a model `status` is `no_model`; scores then contain a sentence instead of values. 503 without the database.
    """
    ping(resources.engine)
    champions = {task: resources.champions.find(task) for task in Task}
    versions = {task.value: champion.version if champion else None for task, champion in champions.items()}
    return Readiness(status="ready" if any(versions.values()) else "no_model", models=versions)
