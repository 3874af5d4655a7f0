"""The server of the dashboard: its address, its sign-in, and nothing from outside."""

from pathlib import Path
from typing import Any

import panel as pn

from ui.app import TITLE, Pages
from ui.sign_in import SignIn, Visitors, cookie_secret

HOST = "127.0.0.1"


def serve(pages: Pages, visitors: Visitors, data_dir: Path, port: int) -> Any:
    """A Bokeh server of the pages, bound to the loopback address but not yet running.

    Raises OSError if the port is taken.
    """
    return pn.io.server.get_server(
        dict(pages),
        title=TITLE,
        address=HOST,
        port=port,
        websocket_origin=[f"{host}:{port}" for host in (HOST, "localhost")],
        auth_provider=SignIn(visitors),
        cookie_secret=cookie_secret(data_dir),
    )
