"""Dated versions of the API, requested and reported in a header."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from domain.events.events import VERSION
from serving.http.problems import respond

HEADER = "TQS-Version"
"""Header of requests and responses."""

VERSIONS: tuple[str, ...] = (VERSION,)
"""Supported versions, newest last. Within a version, fields and routes are added, never changed or removed."""


def version_of(headers: Headers) -> str:
    """The version of the response: the requested one, or the newest if none or an unknown one was requested."""
    requested = headers.get(HEADER)
    return requested if requested in VERSIONS else VERSIONS[-1]


class Versioned:
    """ASGI middleware that rejects requests for an unknown version with a 400 problem document."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reject the request or pass it on."""
        if scope["type"] != "http" or Headers(scope=scope).get(HEADER, VERSIONS[-1]) in VERSIONS:
            return await self.app(scope, receive, send)
        detail = f"unknown version in {HEADER}: send one of {', '.join(VERSIONS)}, or omit the header for the newest"
        await respond(scope, 400, detail, "unknown_version")(scope, receive, send)
