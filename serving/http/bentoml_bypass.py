"""BentoML service with our guard outside BentoML's middleware; requests under `/api/` skip that middleware.

BentoML wraps every request in a span, an access log, counters by path and a task with a timer. Together these cost
more than a prediction, and every unknown path would leave a metric series and a log line. BentoML's own routes keep
them.
"""

from bentoml import Service
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.http.connections import use_bounded_protocols
from serving.http.request_metrics import RequestMetrics, prometheus

PREFIX = "/api/"


class BypassService(Service):  # type: ignore[misc]  # BentoML ships no types
    """A service whose own middleware runs outside BentoML's.

    Its first mounted app receives all requests under `/api/` directly from the server.
    """

    def to_asgi(self, is_main: bool = True) -> ASGIApp:
        """ASGI app for the server, which is created afterwards and uses our protocols."""
        use_bounded_protocols()
        lifespan: ASGIApp = super().to_asgi(is_main)
        outside = lifespan
        for middleware, options in self.middlewares:
            outside = middleware(outside, **options)
        api = self.mount_apps[0][0]

        async def direct(scope: Scope, receive: Receive, send: Send) -> None:
            await (api if scope["path"].startswith(PREFIX) else outside)(scope, receive, send)

        requests = RequestMetrics(direct, prometheus())

        async def whole(scope: Scope, receive: Receive, send: Send) -> None:
            await (lifespan if scope["type"] == "lifespan" else requests)(scope, receive, send)

        return whole
