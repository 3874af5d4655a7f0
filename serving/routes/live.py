"""Changes of scores as they happen: asked for, as server-sent events, or over a WebSocket. All three can be resumed."""

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response, WebSocket
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect, WebSocketState

from domain.changes import Change
from domain.errors import DatabaseUnavailable, TooManyRequests
from domain.events.types import Id
from domain.policy import Permission, Principal
from domain.vocabulary import Band, ScoreKind, SubjectKind
from serving.bodies import examples
from serving.guard.permissions import access
from serving.guard.request_state import set_audit_subjects
from serving.http.draining import drain, first_to_end
from serving.http.etags import DESCRIBED, IfNoneMatch, unless_known
from serving.http.problems import FieldError, InvalidFields, problem_of
from serving.http.streams import Streams
from serving.resources import AppResources, Resources
from store.scores.changes import changes_after, ends_of_changes

router = APIRouter(prefix="/api", tags=["changes"])

_LARGEST = 2**63 - 1
RETRY_MILLISECONDS = 2000

Place = Annotated[int | None, Query(ge=0, le=_LARGEST, description="the id of the last change you have seen")]
Limit = Annotated[int, Query(ge=1, le=1000)]
LastEventId = Annotated[str | None, Header(description="the same as `after`, sent by itself when a stream is resumed")]
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "a stream of server-sent events `change`; `reset` where `after` is not known any more",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


class ChangeView(BaseModel):
    """A score that says something new: its band changed, or its value moved by 0.05 or more."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: int
    tutor_id: str
    subject_kind: SubjectKind
    subject_id: str
    kind: ScoreKind
    value: float
    band: Band
    previous_value: float | None
    previous_band: Band | None
    model_version: str
    as_of: datetime


class Changes(BaseModel):
    """Changes, the oldest first. `last_id` is what to send as `after` next time.

    `reset` says that changes after yours may be gone: read the scores anew, then go on from `last_id`.
    """

    changes: tuple[ChangeView, ...]
    last_id: int
    reset: bool


@router.get(
    "/changes", summary="Changes of scores after one you have seen", response_model=Changes, responses=DESCRIBED
)
@access(Permission.SCORES_READ, example=examples.CHANGES)
def list_changes(
    request: Request,
    resources: AppResources,
    after: Place = None,
    limit: Limit = 200,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The changes of all scores after one you have seen; without `after` only where they end now."""
    page = _page(resources, after, limit, None)
    set_audit_subjects(request, [change.tutor_id for change in page.changes])
    return unless_known(if_none_match, page)


@router.get("/tutors/{tutor_id}/changes", summary="The same of one tutor", response_model=Changes, responses=DESCRIBED)
@access(Permission.SCORES_READ, example=examples.CHANGES)
def list_changes_of_tutor(
    tutor_id: Id, resources: AppResources, after: Place = None, limit: Limit = 200, if_none_match: IfNoneMatch = None
) -> Response:
    """The same of one tutor and their sessions."""
    return unless_known(if_none_match, _page(resources, after, limit, tutor_id))


@router.get(
    "/changes/stream", summary="Changes of scores as they happen", response_class=StreamingResponse, responses=_STREAM
)
@access(Permission.SCORES_READ)
async def stream_changes(
    resources: AppResources, after: Place = None, last_event_id: LastEventId = None
) -> StreamingResponse:
    """The changes of all scores as server-sent events, from now on or from the one you have seen last."""
    return await _stream(resources, after, last_event_id, None)


@router.get(
    "/tutors/{tutor_id}/changes/stream",
    summary="The same of one tutor, as it happens",
    response_class=StreamingResponse,
    responses=_STREAM,
)
@access(Permission.SCORES_READ)
async def stream_changes_of_tutor(
    tutor_id: Id, resources: AppResources, after: Place = None, last_event_id: LastEventId = None
) -> StreamingResponse:
    """The same of one tutor and their sessions."""
    return await _stream(resources, after, last_event_id, tutor_id)


@router.websocket("/changes/ws")
@access(Permission.SCORES_READ)
async def send_changes(socket: WebSocket, after: Place = None) -> None:
    """The same as JSON messages: `{"event": "change", "id": …, "data": {…}}`."""
    await _send(socket, after, None)


@router.websocket("/tutors/{tutor_id}/changes/ws")
@access(Permission.SCORES_READ)
async def send_changes_of_tutor(socket: WebSocket, tutor_id: Id, after: Place = None) -> None:
    """The same of one tutor and their sessions."""
    await _send(socket, after, tutor_id)


class _Events(StreamingResponse):
    """A stream that counts for its key while it is open."""

    def __init__(self, streams: Streams, content: AsyncIterator[str], **kwargs: Any) -> None:
        super().__init__(content, **kwargs)
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send. Raises TooManyRequests before anything is sent."""
        with self._streams.opened(_holder(HTTPConnection(scope))):
            await super().__call__(scope, receive, send)


def _page(resources: Resources, after: int | None, limit: int, tutor_id: str | None) -> Changes:
    ends = ends_of_changes(resources.engine)
    start, reset = _start(after, ends)
    found = changes_after(resources.engine, start, limit, tutor_id)
    last = found[-1].id if found else max(start, ends[1])
    return Changes(changes=tuple(ChangeView.model_validate(change) for change in found), last_id=last, reset=reset)


def _start(after: int | None, ends: tuple[int, int]) -> tuple[int, bool]:
    """Where to go on, and whether changes after the caller's last one may be gone."""
    first, last = ends
    if after is None:
        return last, False
    known = first - 1 <= after <= last
    return (after, False) if known else (last, True)


async def _stream(
    resources: Resources, after: int | None, last_event_id: str | None, tutor_id: str | None
) -> StreamingResponse:
    start, reset = _start(_seen(after, last_event_id), await run_in_threadpool(ends_of_changes, resources.engine))
    # A proxy that keeps a stream until it is whole would never pass it on.
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    written = _written(resources, start, reset, tutor_id)
    return _Events(resources.streams, written, media_type="text/event-stream", headers=headers)


def _seen(after: int | None, last_event_id: str | None) -> int | None:
    """The id sent by a browser that resumes counts before that of the address, which is as old as the page."""
    if not last_event_id:
        return after
    if not (last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 19):
        raise InvalidFields([FieldError(field="last-event-id", detail="is no id of a change")])
    return int(last_event_id)


async def _written(resources: Resources, start: int, reset: bool, tutor_id: str | None) -> AsyncIterator[str]:
    yield f"retry: {RETRY_MILLISECONDS}\n\n"
    if reset:
        yield f"id: {start}\nevent: reset\ndata: {json.dumps({'last_id': start})}\n\n"
    try:
        async for change in resources.hub.follow(start, tutor_id):
            yield ": still here\n\n" if change is None else _event(change)
    except DatabaseUnavailable:
        return  # whoever listens comes back, with the id seen last


def _event(change: Change) -> str:
    return f"id: {change.id}\nevent: change\ndata: {_json(change)}\n\n"


def _json(change: Change) -> str:
    return ChangeView.model_validate(change).model_dump_json()


async def _send(socket: WebSocket, after: int | None, tutor_id: str | None) -> None:
    resources: Resources = socket.app.state.resources()
    try:
        with resources.streams.opened(_holder(socket)):
            start, reset = _start(after, await run_in_threadpool(ends_of_changes, resources.engine))
            await socket.accept()
            await first_to_end(_send_changes(socket, resources, start, reset, tutor_id), drain(socket))
    except (DatabaseUnavailable, TooManyRequests) as error:
        if socket.application_state is WebSocketState.CONNECTING:
            return await socket.send_denial_response(problem_of(socket.scope, error))
        await socket.close(1013, "the database does not answer: come again in a moment")


async def _send_changes(socket: WebSocket, resources: Resources, start: int, reset: bool, tutor_id: str | None) -> None:
    with suppress(WebSocketDisconnect):
        if reset:
            await socket.send_json({"event": "reset", "id": start, "data": {"last_id": start}})
        async for change in resources.hub.follow(start, tutor_id):
            await socket.send_text(_message(change))
        await socket.close(1012, "the service restarts")


def _holder(connection: HTTPConnection) -> str:
    """The key that a stream counts for."""
    principal: Principal = connection.scope["state"]["principal"]
    return principal.id


def _message(change: Change | None) -> str:
    if change is None:
        return '{"event":"still_here"}'
    return f'{{"event":"change","id":{change.id},"data":{_json(change)}}}'
