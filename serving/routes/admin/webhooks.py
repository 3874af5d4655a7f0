"""What we told the Rails app, what it did not take, and sending it again, for an administrator."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict

from domain.errors import UnknownSubject
from domain.policy import Permission
from serving.bodies import admin_examples
from serving.guard.permissions import access
from serving.guard.request_state import Caller, mark_audited
from serving.http.problems import request_id
from serving.resources import AppResources
from store.outgoing.webhooks import DeliveryState, deliveries, delivery, replay, replay_failed

router = APIRouter(prefix="/api/admin/webhooks", tags=["webhooks"])

_LARGEST = 2**63 - 1
Number = Annotated[int, Path(ge=1, le=_LARGEST)]


class DeliveryView(BaseModel):
    """A delivery: `id` is its number, `event_id` the `webhook-id` it is sent under. `error` is what was met last."""

    model_config = ConfigDict(frozen=True)

    id: int
    event_id: str
    type: str
    created_at: datetime
    due_at: datetime
    tries: int
    delivered_at: datetime | None
    failed_at: datetime | None
    status_code: int | None
    error: str | None


class AttemptView(BaseModel):
    """One time that it was sent; `status_code` is null where no answer came."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    status_code: int | None
    error: str | None
    seconds: float


class DeliveryWithAttempts(DeliveryView):
    """A delivery with every attempt, the oldest first."""

    attempts: tuple[AttemptView, ...]


class DeliveryPage(BaseModel):
    """Deliveries of one state, the newest first. `next_before` is null on the last page."""

    model_config = ConfigDict(frozen=True)

    deliveries: tuple[DeliveryView, ...]
    next_before: int | None


class Replayed(BaseModel):
    """The numbers of the deliveries that will be sent again."""

    model_config = ConfigDict(frozen=True)

    replayed: tuple[int, ...]


@router.get("", summary="Webhooks to Rails by state")
@access(Permission.ADMIN, example=admin_examples.DELIVERIES)
def list_deliveries(
    resources: AppResources,
    state: DeliveryState = DeliveryState.FAILED,
    before: Annotated[int | None, Query(ge=1, le=_LARGEST, description="`next_before` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> DeliveryPage:
    """Deliveries that wait, were taken, or were given up."""
    found = deliveries(resources.engine, state, limit, before)
    views = tuple(DeliveryView(**asdict(one)) for one in found)
    return DeliveryPage(deliveries=views, next_before=found[-1].id if len(found) == limit else None)


@router.get("/{number}", summary="A webhook and its attempts")
@access(Permission.ADMIN, example=admin_examples.DELIVERY)
def show_delivery(number: Number, resources: AppResources) -> DeliveryWithAttempts:
    """A delivery and every attempt."""
    found, attempts = delivery(resources.engine, number)
    return DeliveryWithAttempts(**asdict(found), attempts=tuple(AttemptView(**asdict(each)) for each in attempts))


@router.post("/{number}/replay", summary="Send a webhook again", status_code=202)
@access(Permission.ADMIN, example=admin_examples.REPLAYED)
def replay_delivery(number: Number, caller: Caller, request: Request, resources: AppResources) -> Replayed:
    """Send a delivery now, under the id it had, with a fresh count of tries; also one that waits for its next try.

    404 for one that is on its way.
    """
    replayed = replay(resources.engine, [number], caller, resources.now(), request_id(request.scope))
    if not replayed:
        raise UnknownSubject(f"there is no delivery {number}, or it is on its way")
    mark_audited(request)
    return Replayed(replayed=tuple(replayed))


@router.post("/replay_failed", summary="Send again all that was given up", status_code=202)
@access(Permission.ADMIN, example=admin_examples.ALL_REPLAYED)
def replay_all_failed(caller: Caller, request: Request, resources: AppResources) -> Replayed:
    """Send again all that was given up."""
    replayed = replay_failed(resources.engine, caller, resources.now(), request_id(request.scope))
    if replayed:
        mark_audited(request)
    return Replayed(replayed=tuple(replayed))
