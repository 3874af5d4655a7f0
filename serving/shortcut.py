"""A BentoML service that answers the API's requests itself, before BentoML's middleware sees them.

BentoML wraps every request in a span, an access log, counters by address and a task with a timer, whether or not
anybody reads them; together they cost more than a prediction. Its own routes keep them.
"""

from bentoml import Service
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.counted import Counted, prometheus

PREFIX = "/api/"


class Shortcut(Service):  # type: ignore[misc]  # it ships no types
    """A service whose first mounted app gets all requests under `/api/`, as they come from the server."""

    def to_asgi(self, is_main: bool = True) -> ASGIApp:
        """What the server calls."""
        whole: ASGIApp = super().to_asgi(is_main)
        api = Counted(self.mount_apps[0][0], prometheus())

        async def shortest(scope: Scope, receive: Receive, send: Send) -> None:
            is_ours = scope["type"] != "lifespan" and scope["path"].startswith(PREFIX)
            await (api if is_ours else whole)(scope, receive, send)

        return shortest
