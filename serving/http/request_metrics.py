"""How many requests each route answered, how and how quickly, for `/metrics`.

By the route's template and never by the address: an id in an address would make a series of its own that never goes,
and anybody may ask for any address.
"""

from collections.abc import Callable
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

NO_ROUTE = "none"
"""Stands for the route of a request that was refused before it reached one."""

OTHER_METHOD = "OTHER"
"""Method label of every method outside `_METHODS`: a client may send any word."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

Observe = Callable[[str, str, int, float], None]


class Counted:
    """ASGI middleware. Tells `observe` of every answer: method, route, status, and seconds until it began."""

    def __init__(self, app: ASGIApp, observe: Observe) -> None:
        self.app, self.observe = app, observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        began = perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                template = getattr(scope.get("route"), "path", NO_ROUTE)
                method = scope["method"] if scope["method"] in _METHODS else OTHER_METHOD
                self.observe(method, template, message["status"], perf_counter() - began)
            await send(message)

        await self.app(scope, receive, counted)


def prometheus() -> Observe:
    """What writes to Prometheus's registry. To be called once, after BentoML has said where its processes meet."""
    from prometheus_client import Histogram

    labels = ("method", "route", "status")
    seconds = Histogram("tutor_quality_request_seconds", "Seconds until an answer began.", labels, buckets=_BUCKETS)
    of = {}

    def observe(method: str, route: str, status: int, taken: float) -> None:
        key = method, route, status
        if key not in of:
            of[key] = seconds.labels(method, route, str(status))
        of[key].observe(taken)

    return observe
