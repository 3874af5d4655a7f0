"""Request guard before every route, ours and BentoML's: request id, caller, permission, rate limit, body."""

import asyncio
import logging
import re
import uuid
from collections.abc import Callable
from functools import partial
from itertools import count

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.errors import TooManyRequests, TutorQualityError, UnknownCaller
from domain.policy import Permission, check
from serving.guard.context import GuardContext
from serving.guard.permissions import WEBSOCKET, MatchedRoute, Open, RouteTable, Signed
from serving.guard.response import Authenticated, GuardedSend
from serving.http.problems import UNKNOWN_PATH, internal_error, logged, problem_of, respond
from serving.resources import Resources

logger = logging.getLogger("tutor_quality.serving")

BODY_LIMIT = 1_500_000
"""Maximum size in bytes of a request's body, and of one message of a WebSocket."""

BODY_SECONDS = 30.0
"""Seconds within which the whole body must arrive: a client sending byte by byte would hold a connection forever."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_WITHOUT_KEY = "send a key or a token as `Authorization: Bearer …` or `X-API-Key: …`"


class _Headers:
    """Headers of a request, decoded on access. Of a repeated header the first counts, as in Starlette."""

    def __init__(self, scope: Scope) -> None:
        self._raw: dict[bytes, bytes] = dict(reversed(scope["headers"]))

    def get(self, name: str, default: str = "") -> str:
        """The value of a header; `name` is in lower case."""
        value = self._raw.get(name.encode())
        return default if value is None else value.decode("latin-1")


class Guard:
    """ASGI middleware for HTTP and WebSockets. A route that declares no access is refused.

    `resources` is called with every request, so that they can be opened after the import.
    """

    def __init__(
        self,
        app: ASGIApp,
        resources: Callable[[], Resources],
        routes: RouteTable,
        body_limit: int = BODY_LIMIT,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        self.app, self.resources, self.routes = app, resources, routes
        self.body_limit, self.body_seconds = body_limit, body_seconds
        # Ids identify requests in the log and are no secret: a random prefix per process, then a counter.
        prefix = uuid.uuid4().hex[:16]
        self._ids = (f"{prefix}-{number:x}" for number in count(1))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request or pass it on. A request that an outer guard accepted is passed on unchanged."""
        if scope["type"] not in ("http", "websocket") or "request_id" in scope.setdefault("state", {}):
            return await self.app(scope, receive, send)
        headers = _Headers(scope)
        scope["state"]["request_id"] = self._request_id(headers)
        context = self.resources().guard_context
        route = self.routes.match(scope.get("method", WEBSOCKET), scope["path"])
        scope["state"]["logged_path"] = route.template if route.access else UNKNOWN_PATH
        guarded = GuardedSend(scope, send, context, route)
        try:
            refusal = await self._refusal(HTTPConnection(scope), headers, route, context, guarded)
        except TutorQualityError as error:
            refusal = problem_of(scope, error)
        if refusal is not None:
            return await guarded.refuse(receive, refusal)
        timely = receive if scope["type"] == "websocket" else _timely(receive, self.body_seconds)
        await self._pass_on(scope, _limited(timely, self.body_limit), guarded)

    async def _refusal(
        self,
        connection: HTTPConnection,
        headers: _Headers,
        route: MatchedRoute,
        context: GuardContext,
        guarded: GuardedSend,
    ) -> Response | None:
        """A refusal, or None. Raises UnknownCaller, TooManyRequests, Forbidden, DatabaseUnavailable."""
        if isinstance(route.rule, Open):
            return self._body_refusal(connection.scope, headers, route)
        caller = None
        if not isinstance(route.rule, Signed):
            guarded.caller = caller = await _authenticate(connection, headers, context)
            connection.scope["state"]["principal"] = caller.principal
        status = await context.limits.count(caller.principal.id if caller else address(connection))
        guarded.headers |= status.headers
        if not status.allowed:
            raise TooManyRequests(status.reset_seconds)
        if route.rule is None:
            return self._unknown_route(connection.scope, route)
        if isinstance(route.rule, Permission) and caller is not None:
            check(caller.principal, route.rule, route.tutor_id)
        return self._body_refusal(connection.scope, headers, route)

    def _request_id(self, headers: _Headers) -> str:
        """The caller's own id if it is safe for a log, otherwise a new one."""
        sent = headers.get("x-request-id")
        return sent if sent and _REQUEST_ID.fullmatch(sent) else next(self._ids)

    def _unknown_route(self, scope: Scope, route: MatchedRoute) -> Response:
        if self.routes.is_routed(scope):
            return respond(scope, 403, "this route is closed: it declares no permission", "unclassified")
        allowed = self.routes.methods_of(route.template)
        if not allowed:
            return respond(scope, 404, f"no route at {route.template}")
        refusal = respond(scope, 405, f"{route.method} is not allowed at {route.template}")
        refusal.headers["Allow"] = ", ".join(allowed)
        return refusal

    def _body_refusal(self, scope: Scope, headers: _Headers, route: MatchedRoute) -> Response | None:
        # Above all this refuses pickle (`application/vnd.bentoml+pickle`), which BentoML would unpack and run.
        sent = headers.get("content-type", "").partition(";")[0].strip().lower()
        if _has_body(headers) and sent != route.media_type:
            return respond(scope, 415, f"send the body as `Content-Type: {route.media_type}`")
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > self.body_limit:
            return respond(scope, 413, _too_large(self.body_limit))
        return None

    async def _pass_on(self, scope: Scope, receive: Receive, guarded: GuardedSend) -> None:
        try:
            await self.app(scope, receive, guarded)
        except Exception:
            if guarded.is_over:
                return
            method = scope.get("method", WEBSOCKET)
            logger.exception("%s %s (request %s)", method, logged(scope), scope["state"]["request_id"])
            if not guarded.started:
                await guarded.refuse(receive, internal_error(scope))


def address(connection: HTTPConnection) -> str:
    """Client address of a request, for counting."""
    return f"address {connection.client.host if connection.client else 'unknown'}"


async def _authenticate(connection: HTTPConnection, headers: _Headers, context: GuardContext) -> Authenticated:
    credential = _credential(headers)
    if not credential:
        context.limits.count_without_key(address(connection))
        raise UnknownCaller(_WITHOUT_KEY)
    authenticator = context.authenticator
    principal = authenticator.cached(credential)
    if principal is None:
        look_up = partial(authenticator.authenticate, credential)
        principal = await context.limits.check_credential(address(connection), look_up)
    return Authenticated(principal, credential)


def _credential(headers: _Headers) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")


def _has_body(headers: _Headers) -> bool:
    return headers.get("content-length", "0") != "0" or headers.get("transfer-encoding") != ""


def _timely(receive: Receive, seconds: float) -> Receive:
    """A `receive` that limits the time for the whole body, and not the time for messages after it."""
    until, is_whole = asyncio.get_running_loop().time() + seconds, False

    async def timed() -> Message:
        nonlocal is_whole
        try:
            async with asyncio.timeout_at(None if is_whole else until):
                message = await receive()
        except TimeoutError:
            detail = f"the body did not arrive within {seconds:g} seconds"
            raise HTTPException(408, detail, {"Connection": "close"}) from None
        is_whole = not message.get("more_body", False)
        return message

    return timed


def _limited(receive: Receive, limit: int) -> Receive:
    """A `receive` that counts bytes, since a body sent in chunks announces no length."""
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        if message["type"] == "websocket.receive":
            received = 0  # each message is one body
        received += len(message.get("body") or message.get("bytes") or message.get("text") or b"")
        if received > limit:
            raise HTTPException(413, _too_large(limit))
        return message

    return counted


def _too_large(limit: int) -> str:
    return f"the body is larger than {limit:,} bytes"
