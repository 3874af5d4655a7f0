"""What every request passes before any route, ours or BentoML's: its id, its key, its content type, its size."""

import hmac
import logging
import re
import uuid
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.problems import internal_error, respond

logger = logging.getLogger("tutor_quality.serving")

OPEN_PATHS = frozenset({"/api/health", "/api/ready", "/livez", "/healthz", "/readyz"})
"""Probes: a load balancer has no key, and they say nothing of anybody. `/metrics` needs the key like the rest:
behind a proxy every caller comes from loopback, so loopback proves nothing."""

BODY_LIMIT = 1_000_000
"""Bytes of a request's body."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Guard:
    """ASGI middleware. `key` is asked for with every request, so the settings may be read after the import."""

    def __init__(self, app: ASGIApp, key: Callable[[], str], body_limit: int = BODY_LIMIT) -> None:
        self.app, self.key, self.body_limit = app, key, body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on. A request that a guard further out has let in is passed on as it is."""
        if scope["type"] != "http" or "request_id" in scope.setdefault("state", {}):
            return await self.app(scope, receive, send)
        scope["state"]["request_id"] = _request_id(Headers(scope=scope))
        answer = _Answer(send, scope["state"]["request_id"])
        refusal = self._refusal(Request(scope))
        if refusal is not None:
            return await refusal(scope, receive, answer)
        await self._pass_on(scope, _limited(receive, self.body_limit), answer)

    async def _pass_on(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        try:
            await self.app(scope, receive, answer)
        except Exception:
            logger.exception("%s %s (request %s)", scope["method"], scope["path"], scope["state"]["request_id"])
            if not answer.started:
                await internal_error(scope)(scope, receive, answer)

    def _refusal(self, request: Request) -> Response | None:
        if request.url.path not in OPEN_PATHS and not self._has_key(request.headers):
            return respond(request.scope, 401, "send the API key as `Authorization: Bearer …` or `X-API-Key: …`")
        if _has_body(request.headers) and not _is_json(request.headers):
            return respond(request.scope, 415, "send the body as `Content-Type: application/json`")
        length = request.headers.get("content-length", "0")
        if length.isdigit() and int(length) > self.body_limit:
            return respond(request.scope, 413, _too_large(self.body_limit))
        return None

    def _has_key(self, headers: Headers) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        sent = token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        return bool(self.key()) and hmac.compare_digest(sent.encode(), self.key().encode())


class _Answer:
    """The `send` of a guarded request: adds its id, and knows whether an answer has begun."""

    def __init__(self, send: Send, request_id: str) -> None:
        self.send, self.request_id, self.started = send, request_id, False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            MutableHeaders(scope=message)["X-Request-ID"] = self.request_id
        await self.send(message)


def _request_id(headers: Headers) -> str:
    """The caller's own id where it is fit for a log, else a new one."""
    sent = headers.get("x-request-id", "")
    return sent if _REQUEST_ID.fullmatch(sent) else uuid.uuid4().hex


def _has_body(headers: Headers) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _is_json(headers: Headers) -> bool:
    """Only JSON gets in: above all no pickle (`application/vnd.bentoml+pickle`), which BentoML would unpack and run."""
    return headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def _limited(receive: Receive, limit: int) -> Receive:
    """A `receive` that counts: a body sent in chunks announces no length."""
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise HTTPException(413, _too_large(limit))
        return message

    return counted


def _too_large(limit: int) -> str:
    return f"the body is larger than {limit:,} bytes"
