"""Request counts and latencies by route and status, for `/metrics`.

The label is the route's template, never the path: every id in a path would create a metric series that is never
removed, and clients may send any path.
"""

from collections.abc import Callable
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

NO_ROUTE = "none"
"""Route label of requests refused before they reached a route."""

OTHER_METHOD = "OTHER"
"""Method label of every method outside `_METHODS`: clients may send any word."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

Observe = Callable[[str, str, int, float], None]


class RequestMetrics:
    """ASGI middleware that calls `observe` for every response: method, route, status, seconds until it began."""

    def __init__(self, app: ASGIApp, observe: Observe) -> None:
        self.app, self.observe = app, observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and observe its response."""
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
    """Observer that writes to Prometheus's registry. Call it once, after BentoML has set the multiprocess directory."""
    from prometheus_client import Histogram

    labels = ("method", "route", "status")
    seconds = Histogram("tutor_quality_request_seconds", "Seconds until the response began.", labels, buckets=_BUCKETS)
    children = {}

    def observe(method: str, route: str, status: int, elapsed: float) -> None:
        key = method, route, status
        if key not in children:
            children[key] = seconds.labels(method, route, str(status))
        children[key].observe(elapsed)

    return observe
