"""The way out of the guard: what is added to an answer, what is written down before it goes, and when it is cut off."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from domain.errors import DatabaseUnavailable, TutorQualityError, UnknownCaller
from domain.policy import Principal
from serving.guard.context import Door
from serving.guard.permissions import Place
from serving.http.api_versions import HEADER as VERSION_HEADER
from serving.http.api_versions import version_of
from serving.http.problems import problem_of, request_id

_NOT_MODIFIED = 304
_POLICY_VIOLATION, _INTERNAL_ERROR = 1008, 1011


@dataclass(frozen=True)
class Admitted:
    """Who was let in, with what they sent to be let in by."""

    principal: Principal
    credential: str


class Answer:
    """The `send` of a guarded request.

    Every answer gets the request's id and how its caller stands. Before an answer about somebody goes out, its audit
    rows are in the database; where they cannot be written, a problem goes out in its place. A stream ends when the
    key it was opened with is revoked: each part of it asks again.
    """

    def __init__(self, scope: Scope, send: Send, door: Door, where: Place) -> None:
        self._scope, self._send, self._door, self._where = scope, send, door, where
        version = version_of(Headers(scope=scope))
        self.headers: dict[str, str] = {"X-Request-ID": request_id(scope), VERSION_HEADER: version}
        self.admitted: Admitted | None = None
        self.started = False
        self.is_over = False

    async def __call__(self, message: Message) -> None:
        """Send a part of the answer. Raises OSError once it is cut off, as a server does when the caller is gone."""
        if self.is_over:
            raise OSError("the answer was cut off")
        kind = message["type"]
        if kind in ("http.response.start", "websocket.accept", "websocket.http.response.start"):
            await self._begin(message)
        elif _is_part_of_stream(message) and not await self._may_go_on():
            await self._cut_off()
        else:
            await self._send(message)

    async def refuse(self, receive: Receive, response: Response) -> None:
        """Answer with a problem. A WebSocket that cannot be answered with one is closed before it opens."""
        if self._scope["type"] == "websocket" and "websocket.http.response" not in self._scope.get("extensions", {}):
            return await self._send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        await response(self._scope, receive, self)

    async def _begin(self, message: Message) -> None:
        try:
            await self._write_down(message.get("status", 200))
        except TutorQualityError as error:
            return await self._replace(error)
        self.started = True
        said = message.get("headers", ())
        known = {name for name, _ in said}
        more = ((name.lower().encode(), value.encode()) for name, value in self.headers.items())
        await self._send({**message, "headers": [*said, *(one for one in more if one[0] not in known)]})

    async def _write_down(self, status: int) -> None:
        subjects = self._subjects()
        if self.admitted is None or status >= 400 or status == _NOT_MODIFIED or not subjects:
            return
        action = f"{self._where.method} {self._where.template}"
        await self._door.write_down(self.admitted.principal, action, subjects, request_id(self._scope))

    def _subjects(self) -> Sequence[str | None]:
        """Whom it is about: those the route named, else who stands in the path; each once."""
        state = self._scope["state"]
        if state.get("written_down"):
            return ()
        named: list[str] = state.get("subjects", [])
        if named or not self._where.is_audited:
            return list(dict.fromkeys(named))
        return [next(iter(self._where.parameters.values()), None)]

    async def _replace(self, error: TutorQualityError) -> None:
        self.is_over = self.started = True
        if self._scope["type"] == "websocket":
            return await self._send({"type": "websocket.close", "code": _INTERNAL_ERROR})
        response = problem_of(self._scope, error)
        response.headers.update(self.headers)
        await response(self._scope, _nothing, self._send)

    async def _may_go_on(self) -> bool:
        if self.admitted is None:
            return True
        callers, credential = self._door.callers, self.admitted.credential
        if callers.known(credential) is not None:
            return True
        try:
            await run_in_threadpool(callers.find, credential)
        except UnknownCaller:
            return False
        except DatabaseUnavailable:
            # Nobody can have revoked anything in a database that is away; when it is back, we ask again.
            return True
        return True

    async def _cut_off(self) -> None:
        self.is_over = True
        if self._scope["type"] == "websocket":
            return await self._send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def _is_part_of_stream(message: Message) -> bool:
    if message["type"] == "http.response.body":
        return bool(message.get("more_body"))
    return bool(message["type"] == "websocket.send")


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
