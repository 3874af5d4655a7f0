"""Admin routes for webhooks to the Rails app: deliveries, their attempts, and replays."""

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
    """A delivery. `id` is its number, `event_id` is its `webhook-id`; `error` is that of the last attempt."""

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
    """One delivery attempt; `status_code` is null if no response arrived."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    status_code: int | None
    error: str | None
    seconds: float


class DeliveryWithAttempts(DeliveryView):
    """A delivery with every attempt, oldest first."""

    attempts: tuple[AttemptView, ...]


class DeliveryPage(BaseModel):
    """Deliveries of one state, newest first. `next_before` is null on the last page."""

    model_config = ConfigDict(frozen=True)

    deliveries: tuple[DeliveryView, ...]
    next_before: int | None


class Replayed(BaseModel):
    """Numbers of the deliveries that will be sent again."""

    model_config = ConfigDict(frozen=True)

    replayed: tuple[int, ...]


@router.get("", summary="List webhooks to Rails by state")
@access(Permission.ADMIN, example=admin_examples.DELIVERIES)
def list_deliveries(
    resources: AppResources,
    state: DeliveryState = DeliveryState.FAILED,
    before: Annotated[int | None, Query(ge=1, le=_LARGEST, description="`next_before` of the previous page")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> DeliveryPage:
    """List deliveries that are waiting, delivered or failed."""
    page = deliveries(resources.engine, state, limit, before)
    views = tuple(DeliveryView(**asdict(row)) for row in page)
    return DeliveryPage(deliveries=views, next_before=page[-1].id if len(page) == limit else None)


@router.get("/{number}", summary="A webhook and its attempts")
@access(Permission.ADMIN, example=admin_examples.DELIVERY)
def show_delivery(number: Number, resources: AppResources) -> DeliveryWithAttempts:
    """Show a delivery and every attempt."""
    row, attempts = delivery(resources.engine, number)
    views = tuple(AttemptView(**asdict(attempt)) for attempt in attempts)
    return DeliveryWithAttempts(**asdict(row), attempts=views)


@router.post("/{number}/replay", summary="Send a webhook again", status_code=202)
@access(Permission.ADMIN, example=admin_examples.REPLAYED)
def replay_delivery(number: Number, caller: Caller, request: Request, resources: AppResources) -> Replayed:
    """Send a delivery now, with its original id and a fresh count of attempts, even if it waits for its next attempt.

    404 while an attempt is in progress.
    """
    replayed = replay(resources.engine, [number], caller, resources.now(), request_id(request.scope))
    if not replayed:
        raise UnknownSubject(f"there is no delivery {number}, or an attempt is in progress")
    mark_audited(request)
    return Replayed(replayed=tuple(replayed))


@router.post("/replay_failed", summary="Send all failed webhooks again", status_code=202)
@access(Permission.ADMIN, example=admin_examples.ALL_REPLAYED)
def replay_all_failed(caller: Caller, request: Request, resources: AppResources) -> Replayed:
    """Send every failed delivery again."""
    replayed = replay_failed(resources.engine, caller, resources.now(), request_id(request.scope))
    if replayed:
        mark_audited(request)
    return Replayed(replayed=tuple(replayed))
