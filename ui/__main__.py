"""`python -m ui`: serves the dashboard at TQS_UI_PORT until Ctrl-C."""

import os
import signal
import sys
from asyncio import AbstractEventLoop
from collections.abc import Mapping
from typing import Any

from tornado.websocket import WebSocketClosedError

from domain.errors import InvalidSettings, TutorQualityError
from gateways.clock import utc_now
from gateways.embedded_postgres.server import running_database
from gateways.ports import check_port
from gateways.private_files import keep_files_private
from gateways.settings import Settings, load_settings
from store.db.engine import make_engine
from ui.access.sign_in import Visitors, credentials
from ui.app import create_app
from ui.server import HOST, serve


def main(environ: Mapping[str, str]) -> None:
    """Serve until stopped. An error that a user can fix is printed as one line, without a traceback."""
    keep_files_private()
    try:
        settings = load_settings(environ)
        check_port(HOST, settings.ui_port, "TQS_UI_PORT")
        with running_database(settings) as url:
            run(settings, url)
    except TutorQualityError as error:
        sys.exit(f"error: {error}")


def run(settings: Settings, database_url: str) -> None:
    """Serve until SIGINT or SIGTERM. Raises InvalidSettings if the port is taken."""
    engine = make_engine(database_url)
    visitors = Visitors(engine, credentials(settings.data_dir), utc_now)
    views = create_app(engine, utc_now, visitors.current)
    try:
        server = serve(views, visitors, engine, settings, utc_now)
    except OSError as error:
        raise InvalidSettings(f"port {settings.ui_port} cannot be used ({error.strerror}): set TQS_UI_PORT") from error
    server.io_loop.asyncio_loop.set_exception_handler(_report)
    print(f"Dashboard at http://{HOST}:{settings.ui_port}", flush=True)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: _stop(server))
    server.io_loop.start()
    server.stop()


def _report(loop: AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log background failures, except WebSockets closed by the browser during a send."""
    if not isinstance(context.get("exception"), WebSocketClosedError):
        loop.default_exception_handler(context)


def _stop(server: Any) -> None:
    server.io_loop.add_callback_from_signal(server.io_loop.stop)


if __name__ == "__main__":
    main(os.environ)
