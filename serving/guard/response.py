"""Guarded responses: headers, audit rows before the first byte, and streams that end when their key is revoked."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from domain.errors import DatabaseUnavailable, TutorQualityError, UnknownCaller
from domain.policy import Principal
from serving.guard.context import GuardContext
from serving.guard.permissions import MatchedRoute
from serving.http.api_versions import HEADER as VERSION_HEADER
from serving.http.api_versions import version_of
from serving.http.problems import problem_of, request_id

_NOT_MODIFIED = 304
_POLICY_VIOLATION, _INTERNAL_ERROR = 1008, 1011


@dataclass(frozen=True)
class Authenticated:
    """An authenticated caller and the credential it sent."""

    principal: Principal
    credential: str


class GuardedSend:
    """The `send` of a guarded request.

    Every response gets the request's id and the caller's rate limit. Audit rows are committed before a response about
    a tutor is sent; if they cannot be written, a problem document is sent instead. A stream ends when the key it was
    opened with is revoked: each part authenticates again.
    """

    def __init__(self, scope: Scope, send: Send, context: GuardContext, route: MatchedRoute) -> None:
        self._scope, self._send, self._context, self._route = scope, send, context, route
        version = version_of(Headers(scope=scope))
        self.headers: dict[str, str] = {"X-Request-ID": request_id(scope), VERSION_HEADER: version}
        self.caller: Authenticated | None = None
        self.started = False
        self.is_over = False

    async def __call__(self, message: Message) -> None:
        """Send a part of the response. Raises OSError after a cut-off, as a server does after a disconnect."""
        if self.is_over:
            raise OSError("the response was cut off")
        kind = message["type"]
        if kind in ("http.response.start", "websocket.accept", "websocket.http.response.start"):
            await self._begin(message)
        elif _is_part_of_stream(message) and not await self._may_continue():
            await self._cut_off()
        else:
            await self._send(message)

    async def refuse(self, receive: Receive, response: Response) -> None:
        """Send a problem document. A WebSocket whose server cannot send one is closed before it opens."""
        if self._scope["type"] == "websocket" and "websocket.http.response" not in self._scope.get("extensions", {}):
            return await self._send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        await response(self._scope, receive, self)

    async def _begin(self, message: Message) -> None:
        try:
            await self._audit(message.get("status", 200))
        except TutorQualityError as error:
            return await self._replace(error)
        self.started = True
        headers = message.get("headers", ())
        present = {name for name, _ in headers}
        added = ((name.lower().encode(), value.encode()) for name, value in self.headers.items())
        await self._send({**message, "headers": [*headers, *(pair for pair in added if pair[0] not in present)]})

    async def _audit(self, status: int) -> None:
        subjects = self._subjects()
        if self.caller is None or status >= 400 or status == _NOT_MODIFIED or not subjects:
            return
        action = f"{self._route.method} {self._route.template}"
        await self._context.audit(self.caller.principal, action, subjects, request_id(self._scope))

    def _subjects(self) -> Sequence[str | None]:
        """Audit subjects, each once: those the route named, otherwise the first parameter of the path."""
        state = self._scope["state"]
        if state.get("is_audited"):
            return ()
        named: list[str] = state.get("subjects", [])
        if named or not self._route.is_audited:
            return list(dict.fromkeys(named))
        return [next(iter(self._route.parameters.values()), None)]

    async def _replace(self, error: TutorQualityError) -> None:
        self.is_over = self.started = True
        if self._scope["type"] == "websocket":
            return await self._send({"type": "websocket.close", "code": _INTERNAL_ERROR})
        response = problem_of(self._scope, error)
        response.headers.update(self.headers)
        await response(self._scope, _nothing, self._send)

    async def _may_continue(self) -> bool:
        if self.caller is None:
            return True
        authenticator, credential = self._context.authenticator, self.caller.credential
        if authenticator.cached(credential) is not None:
            return True
        try:
            await run_in_threadpool(authenticator.authenticate, credential)
        except UnknownCaller:
            return False
        except DatabaseUnavailable:
            # No key can be revoked in an unavailable database; once it is back, the next part authenticates again.
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
