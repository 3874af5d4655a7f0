"""The BentoML service: `python -m serving`, or `bentoml serve serving.service:TutorQuality`.

This is an edge: the environment is read here, once, when the service starts.
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
from serving.http.bentoml_bypass import Shortcut
from serving.http.schedule_gauges import ScheduleGauges
from serving.resources import Resources, open_resources
from serving.warm_up import warm_up

_held = ExitStack()


@cache
def resources() -> Resources:
    """The service's resources, opened with the first use and held until the service stops."""
    settings = load_settings(os.environ)
    opened = open_resources(_held.enter_context(running_database(settings)), api_key(settings), settings)
    _held.callback(opened.engine.dispose)
    _held.callback(opened.close)
    return opened


def _end_streams_when_stopped(opened: Resources) -> None:
    """Streams never end by themselves, and the server waits for what is open: so they are told first."""
    if threading.current_thread() is not threading.main_thread():
        return  # signals are not ours
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

    BentoML passes whatever a mounted FastAPI does not route to its own landing page, which frames a tag manager.
    Of a plain callable it knows no routes: everything but its probes, /metrics and /schema.json comes to us.
    """
    await app(scope, receive, send)


@bentoml.service(name="tutor_quality", traffic={"timeout": 30}, workers=1, service_class=Shortcut)
class TutorQuality:
    """Serves the API; BentoML's own routes pass the same guard."""

    def __init__(self) -> None:
        keep_files_private()  # here too: `bentoml serve` starts it in containers
        warm_up(resources())
        _end_streams_when_stopped(resources())

    @bentoml.on_shutdown
    def close(self) -> None:
        """Give back the connections, and leave the embedded database."""
        _held.close()


TutorQuality.mount_asgi_app(api)  # type: ignore[attr-defined]  # the decorator makes a Service of the class
TutorQuality.add_asgi_middleware(ScheduleGauges, resources=resources)  # type: ignore[attr-defined]
TutorQuality.add_asgi_middleware(Guard, resources=resources, routes=route_table(app))  # type: ignore[attr-defined]
