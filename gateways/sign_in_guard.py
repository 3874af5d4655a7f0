"""HTTP basic authentication for an ASGI application that has none."""

import hmac
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


class SignInGuard:
    """Middleware that passes requests with the credentials and from the same origin, and rejects all others.

    A browser adds a stored password to requests made by other sites' pages, so an `Origin` other than the requested
    host is rejected with 403, whatever else the request carries. WebSockets are closed. GET of an open path passes
    without credentials.
    """

    def __init__(self, application: Application, sign_in: str, open_paths: Collection[str]) -> None:
        """`sign_in` is `user:password`."""
        self._application, self._sign_in, self._open_paths = application, sign_in.encode(), open_paths

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
        elif status := self._refusal(scope):
            await _refuse(send, status)
        else:
            await self._application(scope, receive, send)

    def _refusal(self, scope: Message) -> int | None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if not _same_origin(headers):
            return 403
        if scope["method"] == "GET" and scope["path"] in self._open_paths:
            return None
        return None if self._signed_in(headers.get("authorization", "")) else 401

    def _signed_in(self, authorization: str) -> bool:
        scheme, _, credentials = authorization.partition(" ")
        try:
            sent = b64decode(credentials.strip(), validate=True)
        except (Base64Error, ValueError):
            return False
        return scheme.lower() == "basic" and hmac.compare_digest(sent, self._sign_in)


def _same_origin(headers: Mapping[str, str]) -> bool:
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


async def _refuse(send: Send, status: int) -> None:
    headers = [(b"content-type", b"text/plain"), (b"cache-control", b"no-store")]
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="MLflow", charset="UTF-8"'))
    text = b"Sign in." if status == 401 else b"Requests from other origins are refused."
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
