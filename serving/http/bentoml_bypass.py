"""A BentoML service whose requests pass our guard before BentoML's middleware, and the API's avoid it altogether.

BentoML wraps every request in a span, an access log, counters by path and a task with a timer, whether or not
anybody reads them; together they cost more than a prediction, and a path nobody serves would leave a metric series and
a log line for ever. Its own routes keep them.
"""

from bentoml import Service
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.http.connections import use_bounded_protocols
from serving.http.request_metrics import Counted, prometheus

PREFIX = "/api/"


class Shortcut(Service):  # type: ignore[misc]  # it ships no types
    """A service whose own middleware stands outside BentoML's.

    Its first mounted app gets all requests under `/api/`, as they come from the server.
    """

    def to_asgi(self, is_main: bool = True) -> ASGIApp:
        """ASGI app for the server, which is made after this and uses our protocols."""
        use_bounded_protocols()
        lifespan: ASGIApp = super().to_asgi(is_main)
        outside = lifespan
        for middleware, options in self.middlewares:
            outside = middleware(outside, **options)
        api = self.mount_apps[0][0]

        async def shortest(scope: Scope, receive: Receive, send: Send) -> None:
            await (api if scope["path"].startswith(PREFIX) else outside)(scope, receive, send)

        requests = Counted(shortest, prometheus())

        async def whole(scope: Scope, receive: Receive, send: Send) -> None:
            await (lifespan if scope["type"] == "lifespan" else requests)(scope, receive, send)

        return whole
