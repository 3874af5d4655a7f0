"""What of the inbox is not done, and another try for what was parked."""

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
    """An event that is not done: `id` is its number here, `event_id` your own. `error` says why, after a try."""

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
    """Events of one state, the oldest first, and how many there are of both. `next_after` is None on the last page."""

    model_config = ConfigDict(frozen=True)

    waiting: int
    parked: int
    oldest_waiting: datetime | None
    events: tuple[InboxEvent, ...]
    next_after: int | None


class Retried(BaseModel):
    """The numbers of the events that will be tried again."""

    model_config = ConfigDict(frozen=True)

    retried: tuple[int, ...]


@router.get("", summary="Events that are not done")
@access(Permission.ADMIN, example=admin_examples.INBOX)
def list_inbox(
    resources: AppResources,
    state: InboxState = InboxState.PARKED,
    after: Annotated[int, Query(ge=0, le=_LARGEST, description="`next_after` of the page before")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> InboxPage:
    """Events that wait to be worked on, or that failed and are parked for a person."""
    events = unfinished(resources.engine, state, after, limit)
    counted = backlog(resources.engine)
    return InboxPage(
        waiting=counted.waiting,
        parked=counted.parked,
        oldest_waiting=counted.oldest,
        events=tuple(InboxEvent.model_validate(event) for event in events),
        next_after=events[-1].id if len(events) == limit else None,
    )


@router.post("/{row}/retry", summary="Try a parked event again", status_code=202)
@access(Permission.ADMIN)
def retry_parked(
    row: Annotated[int, Path(ge=1, le=_LARGEST)], caller: Caller, request: Request, resources: AppResources
) -> None:
    """Try a parked event again, as often as a new one. 404 where no event of that number is parked."""
    retry(resources.engine, row, caller, resources.now(), request_id(request.scope))
    mark_audited(request)


@router.post("/retry_parked", summary="Try all parked events again", status_code=202)
@access(Permission.ADMIN, example=admin_examples.RETRIED)
def retry_all_parked(caller: Caller, request: Request, resources: AppResources) -> Retried:
    """Try again all that is parked, as after a fault of ours was mended."""
    retried = retry_all(resources.engine, caller, resources.now(), request_id(request.scope))
    if retried:
        mark_audited(request)
    return Retried(retried=tuple(retried))
