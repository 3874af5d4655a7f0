"""Changes of scores by polling, as server-sent events, or over a WebSocket. All three can be resumed."""

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

from domain.changes import ScoreChange
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

After = Annotated[int | None, Query(ge=0, le=_LARGEST, description="id of the last change you received")]
Limit = Annotated[int, Query(ge=1, le=1000)]
LastEventId = Annotated[
    str | None, Header(description="like `after`; browsers send it automatically when a stream is resumed")
]
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "a stream of server-sent events `change`; `reset` if changes after `after` are no longer stored",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


class ChangeView(BaseModel):
    """A relevant change of a score: its band changed, or its value by 0.05 or more."""

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
    """Changes, oldest first. Send `last_id` as `after` in the next request.

    If `reset` is true, changes after `after` may no longer be stored: read the scores again, then continue from
    `last_id`.
    """

    changes: tuple[ChangeView, ...]
    last_id: int
    reset: bool


@router.get(
    "/changes", summary="Changes of scores since the last one received", response_model=Changes, responses=DESCRIBED
)
@access(Permission.SCORES_READ, example=examples.CHANGES)
def list_changes(
    request: Request,
    resources: AppResources,
    after: After = None,
    limit: Limit = 200,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """List changes of all scores after `after`. Without `after`, return only the current `last_id`."""
    page = _page(resources, after, limit, None)
    set_audit_subjects(request, [change.tutor_id for change in page.changes])
    return unless_known(if_none_match, page)


@router.get(
    "/tutors/{tutor_id}/changes", summary="Changes of one tutor's scores", response_model=Changes, responses=DESCRIBED
)
@access(Permission.SCORES_READ, example=examples.CHANGES)
def list_changes_of_tutor(
    tutor_id: Id, resources: AppResources, after: After = None, limit: Limit = 200, if_none_match: IfNoneMatch = None
) -> Response:
    """List changes of the scores of one tutor and their sessions."""
    return unless_known(if_none_match, _page(resources, after, limit, tutor_id))


@router.get(
    "/changes/stream", summary="Stream of changes of scores", response_class=StreamingResponse, responses=_STREAM
)
@access(Permission.SCORES_READ)
async def stream_changes(
    resources: AppResources, after: After = None, last_event_id: LastEventId = None
) -> StreamingResponse:
    """Stream changes of all scores as server-sent events, from now on or after the last one received."""
    return await _stream(resources, after, last_event_id, None)


@router.get(
    "/tutors/{tutor_id}/changes/stream",
    summary="Stream of changes of one tutor's scores",
    response_class=StreamingResponse,
    responses=_STREAM,
)
@access(Permission.SCORES_READ)
async def stream_changes_of_tutor(
    tutor_id: Id, resources: AppResources, after: After = None, last_event_id: LastEventId = None
) -> StreamingResponse:
    """Stream changes of the scores of one tutor and their sessions as server-sent events."""
    return await _stream(resources, after, last_event_id, tutor_id)


@router.websocket("/changes/ws")
@access(Permission.SCORES_READ)
async def send_changes(socket: WebSocket, after: After = None) -> None:
    """Send changes of all scores as JSON messages: `{"event": "change", "id": …, "data": {…}}`."""
    await _send(socket, after, None)


@router.websocket("/tutors/{tutor_id}/changes/ws")
@access(Permission.SCORES_READ)
async def send_changes_of_tutor(socket: WebSocket, tutor_id: Id, after: After = None) -> None:
    """Send changes of the scores of one tutor and their sessions as JSON messages."""
    await _send(socket, after, tutor_id)


class _CountedStream(StreamingResponse):
    """A stream that counts as an open stream of its key."""

    def __init__(self, streams: Streams, content: AsyncIterator[str], **kwargs: Any) -> None:
        super().__init__(content, **kwargs)
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream. Raises TooManyRequests before anything is sent."""
        with self._streams.opened(_key_id(HTTPConnection(scope))):
            await super().__call__(scope, receive, send)


def _page(resources: Resources, after: int | None, limit: int, tutor_id: str | None) -> Changes:
    ends = ends_of_changes(resources.engine)
    start, reset = _start(after, ends)
    changes = changes_after(resources.engine, start, limit, tutor_id)
    last = changes[-1].id if changes else max(start, ends[1])
    return Changes(changes=tuple(ChangeView.model_validate(change) for change in changes), last_id=last, reset=reset)


def _start(after: int | None, ends: tuple[int, int]) -> tuple[int, bool]:
    """Id to continue after, and whether changes after the caller's last one may no longer be stored."""
    first, last = ends
    if after is None:
        return last, False
    known = first - 1 <= after <= last
    return (after, False) if known else (last, True)


async def _stream(
    resources: Resources, after: int | None, last_event_id: str | None, tutor_id: str | None
) -> StreamingResponse:
    start, reset = _start(
        _last_received(after, last_event_id), await run_in_threadpool(ends_of_changes, resources.engine)
    )
    # A proxy that buffers whole responses would never pass a stream on.
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    events = _event_stream(resources, start, reset, tutor_id)
    return _CountedStream(resources.streams, events, media_type="text/event-stream", headers=headers)


def _last_received(after: int | None, last_event_id: str | None) -> int | None:
    """Id of the last change received. `Last-Event-ID` takes precedence: `after` is as old as the page's URL."""
    if not last_event_id:
        return after
    if not (last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 19):
        raise InvalidFields([FieldError(field="last-event-id", detail="is not the id of a change")])
    return int(last_event_id)


async def _event_stream(resources: Resources, start: int, reset: bool, tutor_id: str | None) -> AsyncIterator[str]:
    yield f"retry: {RETRY_MILLISECONDS}\n\n"
    if reset:
        yield f"id: {start}\nevent: reset\ndata: {json.dumps({'last_id': start})}\n\n"
    try:
        async for change in resources.hub.follow(start, tutor_id):
            yield ": still here\n\n" if change is None else _event(change)
    except DatabaseUnavailable:
        return  # the client reconnects with the last id it received


def _event(change: ScoreChange) -> str:
    return f"id: {change.id}\nevent: change\ndata: {_json(change)}\n\n"


def _json(change: ScoreChange) -> str:
    return ChangeView.model_validate(change).model_dump_json()


async def _send(socket: WebSocket, after: int | None, tutor_id: str | None) -> None:
    resources: Resources = socket.app.state.resources()
    try:
        with resources.streams.opened(_key_id(socket)):
            start, reset = _start(after, await run_in_threadpool(ends_of_changes, resources.engine))
            await socket.accept()
            await first_to_end(_send_changes(socket, resources, start, reset, tutor_id), drain(socket))
    except (DatabaseUnavailable, TooManyRequests) as error:
        if socket.application_state is WebSocketState.CONNECTING:
            return await socket.send_denial_response(problem_of(socket.scope, error))
        await socket.close(1013, "the database does not respond: reconnect later")


async def _send_changes(socket: WebSocket, resources: Resources, start: int, reset: bool, tutor_id: str | None) -> None:
    with suppress(WebSocketDisconnect):
        if reset:
            await socket.send_json({"event": "reset", "id": start, "data": {"last_id": start}})
        async for change in resources.hub.follow(start, tutor_id):
            await socket.send_text(_message(change))
        await socket.close(1012, "the service restarts")


def _key_id(connection: HTTPConnection) -> str:
    """Id of the key that a stream counts for."""
    principal: Principal = connection.scope["state"]["principal"]
    return principal.id


def _message(change: ScoreChange | None) -> str:
    if change is None:
        return '{"event":"still_here"}'
    return f'{{"event":"change","id":{change.id},"data":{_json(change)}}}'
