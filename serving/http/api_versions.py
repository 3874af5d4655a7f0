"""Dated versions of the API: which one a caller speaks, and which one answers."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from domain.events.events import VERSION
from serving.http.problems import respond

HEADER = "TQS-Version"
"""The header of requests and answers."""

VERSIONS: tuple[str, ...] = (VERSION,)
"""Those there are, the newest last. Within one, fields and routes are added, never changed or removed."""


def version_of(headers: Headers) -> str:
    """The version an answer speaks: the one asked for, else the newest."""
    asked = headers.get(HEADER)
    return asked if asked in VERSIONS else VERSIONS[-1]


class Versioned:
    """ASGI middleware: a request for a version there is not is a 400 problem."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on."""
        if scope["type"] != "http" or Headers(scope=scope).get(HEADER, VERSIONS[-1]) in VERSIONS:
            return await self.app(scope, receive, send)
        detail = f"there is no such version in {HEADER}: send one of {', '.join(VERSIONS)}, or none for the newest"
        await respond(scope, 400, detail, "unknown_version")(scope, receive, send)
