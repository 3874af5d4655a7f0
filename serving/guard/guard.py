"""What every request passes before any route, ours or BentoML's: its id, its caller, their permission, its body."""

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
from serving.guard.context import Door
from serving.guard.permissions import TOKEN_PATH, WEBSOCKET, Open, Place, Signed, methods_of, place
from serving.guard.response import Admitted, Answer
from serving.http.problems import internal_error, logged, problem_of, respond
from serving.resources import Resources

logger = logging.getLogger("tutor_quality.serving")

BODY_LIMIT = 1_500_000
"""Bytes of a request's body, and of one message of a WebSocket."""

BODY_SECONDS = 30.0
"""How long the whole of a body may take to come: whoever sends it byte by byte would hold a connection for ever."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_WITHOUT_KEY = "send a key or a token as `Authorization: Bearer …` or `X-API-Key: …`"


class _Headers:
    """The headers of a request, decoded when asked for. Of one sent twice the first counts, as it does behind us."""

    def __init__(self, scope: Scope) -> None:
        self._raw: dict[bytes, bytes] = dict(reversed(scope["headers"]))

    def get(self, name: str, default: str = "") -> str:
        """The value of a header, whose name is in small letters."""
        found = self._raw.get(name.encode())
        return default if found is None else found.decode("latin-1")


class Guard:
    """ASGI middleware for HTTP and WebSockets. Routes missing from `serving.guard.permissions` are refused.

    `resources` is asked for with every request, so that they may be opened after the import; `is_routed` says whether
    the app has a route there, to tell a forgotten line in that list from a wrong address.
    """

    def __init__(
        self,
        app: ASGIApp,
        resources: Callable[[], Resources],
        is_routed: Callable[[Scope], bool] = lambda _: False,
        body_limit: int = BODY_LIMIT,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        self.app, self.resources, self.is_routed = app, resources, is_routed
        self.body_limit, self.body_seconds = body_limit, body_seconds
        # Ids name requests in the log and are no secret: random once a process, then counted.
        prefix = uuid.uuid4().hex[:16]
        self._ids = (f"{prefix}-{number:x}" for number in count(1))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on. A request that a guard further out has let in is passed on as it is."""
        if scope["type"] not in ("http", "websocket") or "request_id" in scope.setdefault("state", {}):
            return await self.app(scope, receive, send)
        headers = _Headers(scope)
        scope["state"]["request_id"] = self._request_id(headers)
        door = self.resources().door
        where = place(scope.get("method", WEBSOCKET), scope["path"])
        answer = Answer(scope, send, door, where)
        try:
            refusal = await self._let_in(HTTPConnection(scope), headers, where, door, answer)
        except TutorQualityError as error:
            refusal = problem_of(scope, error)
        if refusal is not None:
            return await answer.refuse(receive, refusal)
        timely = receive if scope["type"] == "websocket" else _timely(receive, self.body_seconds)
        await self._pass_on(scope, _limited(timely, self.body_limit), answer)

    async def _let_in(
        self, connection: HTTPConnection, headers: _Headers, where: Place, door: Door, answer: Answer
    ) -> Response | None:
        """A refusal, or None. Raises UnknownCaller, TooManyRequests, Forbidden, DatabaseUnavailable."""
        if isinstance(where.rule, Open):
            return self._body_refusal(connection.scope, headers)
        if not isinstance(where.rule, Signed):
            answer.admitted = await _admit(connection, headers, door)
            connection.scope["state"]["principal"] = answer.admitted.principal
        standing = await door.limits.ask(answer.admitted.principal.id if answer.admitted else address(connection))
        answer.headers |= standing.headers
        if not standing.allowed:
            raise TooManyRequests(standing.reset_seconds)
        if where.rule is None:
            return self._nowhere(connection.scope, where)
        if isinstance(where.rule, Permission) and answer.admitted is not None:
            check(answer.admitted.principal, where.rule, where.tutor_id)
        return self._body_refusal(connection.scope, headers)

    def _request_id(self, headers: _Headers) -> str:
        """The caller's own id where it is fit for a log, else a new one."""
        sent = headers.get("x-request-id")
        return sent if sent and _REQUEST_ID.fullmatch(sent) else next(self._ids)

    def _nowhere(self, scope: Scope, where: Place) -> Response:
        if self.is_routed(scope):
            return respond(scope, 403, "nobody may use this route: it is in no list of permissions", "unclassified")
        allowed = methods_of(where.template)
        if not allowed:
            return respond(scope, 404, f"there is nothing at {where.template}")
        refusal = respond(scope, 405, f"{where.method} is not possible at {where.template}")
        refusal.headers["Allow"] = ", ".join(allowed)
        return refusal

    def _body_refusal(self, scope: Scope, headers: _Headers) -> Response | None:
        wanted = _media_type(scope["path"])
        if _has_body(headers) and headers.get("content-type", "").partition(";")[0].strip().lower() != wanted:
            return respond(scope, 415, f"send the body as `Content-Type: {wanted}`")
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > self.body_limit:
            return respond(scope, 413, _too_large(self.body_limit))
        return None

    async def _pass_on(self, scope: Scope, receive: Receive, answer: Answer) -> None:
        try:
            await self.app(scope, receive, answer)
        except Exception:
            if answer.is_over:
                return
            method = scope.get("method", WEBSOCKET)
            logger.exception("%s %s (request %s)", method, logged(scope), scope["state"]["request_id"])
            if not answer.started:
                await answer.refuse(receive, internal_error(scope))


def address(connection: HTTPConnection) -> str:
    """Where a request comes from, as far as the server knows."""
    return f"address {connection.client.host if connection.client else 'unknown'}"


async def _admit(connection: HTTPConnection, headers: _Headers, door: Door) -> Admitted:
    credential = _credential(headers)
    if not credential:
        door.limits.count_without_key(address(connection))
        raise UnknownCaller(_WITHOUT_KEY)
    principal = door.callers.known(credential)
    if principal is None:
        principal = await door.limits.check(address(connection), partial(door.callers.find, credential))
    return Admitted(principal, credential)


def _credential(headers: _Headers) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")


def _has_body(headers: _Headers) -> bool:
    return headers.get("content-length", "0") != "0" or headers.get("transfer-encoding") != ""


def _media_type(path: str) -> str:
    """What a body must be. Above all no pickle (`application/vnd.bentoml+pickle`), which BentoML would unpack and run;
    and a form only where OAuth wants one."""
    return "application/x-www-form-urlencoded" if path == TOKEN_PATH else "application/json"


def _timely(receive: Receive, seconds: float) -> Receive:
    """A `receive` that waits so long for the whole body, and for what comes after it as long as it takes."""
    until, is_whole = asyncio.get_running_loop().time() + seconds, False

    async def timed() -> Message:
        nonlocal is_whole
        try:
            async with asyncio.timeout_at(None if is_whole else until):
                message = await receive()
        except TimeoutError:
            detail = f"the body did not come within {seconds:g} seconds"
            raise HTTPException(408, detail, {"Connection": "close"}) from None
        is_whole = not message.get("more_body", False)
        return message

    return timed


def _limited(receive: Receive, limit: int) -> Receive:
    """A `receive` that counts: a body sent in chunks announces no length."""
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        if message["type"] == "websocket.receive":
            taken = 0  # each message is one body
        taken += len(message.get("body") or message.get("bytes") or message.get("text") or b"")
        if taken > limit:
            raise HTTPException(413, _too_large(limit))
        return message

    return counted


def _too_large(limit: int) -> str:
    return f"the body is larger than {limit:,} bytes"
