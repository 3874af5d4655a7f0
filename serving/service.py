"""The BentoML service: `python -m serving`, or `bentoml serve serving.service:TutorQuality`.

The environment is read only here, once, when the service starts.
"""

import os
import signal
import threading
from contextlib import ExitStack
from functools import cache
from types import FrameType
from typing import Any

import bentoml
from starlette.types import Receive, Scope, Send

from gateways.api_key import api_key
from gateways.embedded_postgres.server import running_database
from gateways.private_files import keep_files_private
from gateways.settings import load_settings
from serving.app import create_app, route_table
from serving.guard.guard import Guard
from serving.http.bentoml_bypass import BypassService
from serving.http.schedule_gauges import ScheduleGauges
from serving.resources import Resources, open_resources
from serving.warm_up import warm_up

_exit_stack = ExitStack()


@cache
def resources() -> Resources:
    """The service's resources, opened on first use and closed when the service stops."""
    settings = load_settings(os.environ)
    opened = open_resources(_exit_stack.enter_context(running_database(settings)), api_key(settings), settings)
    _exit_stack.callback(opened.engine.dispose)
    _exit_stack.callback(opened.close)
    return opened


def _close_streams_on_signal(opened: Resources) -> None:
    """Close streams on SIGINT and SIGTERM first: they never end by themselves, and the server waits for them."""
    if threading.current_thread() is not threading.main_thread():
        return  # only the main thread can handle signals
    for number in (signal.SIGINT, signal.SIGTERM):
        before = signal.getsignal(number)

        def stop(received: int, frame: FrameType | None, before: Any = before) -> None:
            opened.hub.close()
            if callable(before):
                before(received, frame)

        signal.signal(number, stop)


app = create_app(resources)


async def api(scope: Scope, receive: Receive, send: Send) -> None:
    """The app as a plain ASGI callable.

    BentoML serves its own landing page, which embeds a tag manager, for every path that a mounted FastAPI does not
    route. A plain callable gets every request except BentoML's probes, /metrics and /schema.json.
    """
    await app(scope, receive, send)


@bentoml.service(name="tutor_quality", traffic={"timeout": 30}, workers=1, service_class=BypassService)
class TutorQuality:
    """Serves the API. BentoML's own routes pass the same guard."""

    def __init__(self) -> None:
        keep_files_private()  # here too: `bentoml serve` starts it in containers
        warm_up(resources())
        _close_streams_on_signal(resources())

    @bentoml.on_shutdown
    def close(self) -> None:
        """Close the connections and release the embedded database."""
        _exit_stack.close()


TutorQuality.mount_asgi_app(api)  # type: ignore[attr-defined]  # the decorator makes a Service of the class
TutorQuality.add_asgi_middleware(ScheduleGauges, resources=resources)  # type: ignore[attr-defined]
TutorQuality.add_asgi_middleware(Guard, resources=resources, routes=route_table(app))  # type: ignore[attr-defined]
