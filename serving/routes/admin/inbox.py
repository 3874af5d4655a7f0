"""Admin routes for unprocessed events: list them, and retry parked ones."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict

from domain.policy import Permission
from serving.bodies import admin_examples
from serving.guard.permissions import access
from serving.guard.request_state import Caller, mark_audited
from serving.http.problems import request_id
from serving.resources import AppResources
from store.inbox.backlog import InboxState, backlog, retry, retry_all, unfinished

router = APIRouter(prefix="/api/admin/inbox", tags=["inbox"])

_LARGEST = 2**63 - 1


class InboxEvent(BaseModel):
    """An unprocessed event. `id` is its number here, `event_id` is your own; `error` is that of the last attempt."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: int
    event_id: str
    type: str
    received_at: datetime
    tries: int
    due_at: datetime | None
    parked_at: datetime | None
    error: str | None


class InboxPage(BaseModel):
    """Events of one state, oldest first, and the counts of both states. `next_after` is null on the last page."""

    model_config = ConfigDict(frozen=True)

    waiting: int
    parked: int
    oldest_waiting: datetime | None
    events: tuple[InboxEvent, ...]
    next_after: int | None


class Retried(BaseModel):
    """Numbers of the events that will be retried."""

    model_config = ConfigDict(frozen=True)

    retried: tuple[int, ...]


@router.get("", summary="List unprocessed events")
@access(Permission.ADMIN, example=admin_examples.INBOX)
def list_inbox(
    resources: AppResources,
    state: InboxState = InboxState.PARKED,
    after: Annotated[int, Query(ge=0, le=_LARGEST, description="`next_after` of the previous page")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> InboxPage:
    """List events that wait to be processed, or that failed and are parked until a person acts."""
    events = unfinished(resources.engine, state, after, limit)
    counts = backlog(resources.engine)
    return InboxPage(
        waiting=counts.waiting,
        parked=counts.parked,
        oldest_waiting=counts.oldest,
        events=tuple(InboxEvent.model_validate(event) for event in events),
        next_after=events[-1].id if len(events) == limit else None,
    )


@router.post("/{row}/retry", summary="Retry a parked event", status_code=202)
@access(Permission.ADMIN)
def retry_parked(
    row: Annotated[int, Path(ge=1, le=_LARGEST)], caller: Caller, request: Request, resources: AppResources
) -> None:
    """Retry a parked event, with as many attempts as a new one. 404 if no event with that number is parked."""
    retry(resources.engine, row, caller, resources.now(), request_id(request.scope))
    mark_audited(request)


@router.post("/retry_parked", summary="Retry all parked events", status_code=202)
@access(Permission.ADMIN, example=admin_examples.RETRIED)
def retry_all_parked(caller: Caller, request: Request, resources: AppResources) -> Retried:
    """Retry every parked event (for example after a bug fix). Returns their numbers."""
    retried = retry_all(resources.engine, caller, resources.now(), request_id(request.scope))
    if retried:
        mark_audited(request)
    return Retried(retried=tuple(retried))
