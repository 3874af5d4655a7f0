"""Dashboard server: bind address, sign-in, cookies, timeouts and security headers."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import panel as pn

from gateways.settings import Settings
from store.db.engine import Engine
from ui.access.attempts import Attempts
from ui.access.reports import report_route
from ui.access.secure_headers import SecureHeaders, log_request
from ui.access.sign_in import Visitors, cookie_secret, session_secret
from ui.access.sign_in_pages import SIGNED_IN_DAYS, SignIn, SignInContext, user_of
from ui.app import TITLE, Views

HOST = "127.0.0.1"
_LIMITS = {
    "idle_connection_timeout": 30.0,  # also limits the wait for request headers
    "body_timeout": 30.0,
    "max_header_size": 64 * 1024,
    "max_body_size": 1_000_000,
}


def serve(views: Views, visitors: Visitors, engine: Engine, settings: Settings, now: Callable[[], datetime]) -> Any:
    """A Bokeh server of the views, bound to the loopback address but not yet running.

    Raises OSError if the port is taken.
    """
    public = urlsplit(settings.ui_url or "")
    context = SignInContext(engine, visitors, Attempts(now), now, is_https=public.scheme == "https")
    pn.config.oauth_expiry = SIGNED_IN_DAYS
    server = pn.io.server.get_server(
        dict(views),
        title=TITLE,
        address=HOST,
        port=settings.ui_port,
        websocket_origin=_origins(settings.ui_port, public.netloc),
        auth_provider=SignIn(context),
        cookie_secret=cookie_secret(settings.data_dir),
        secret_key=session_secret(settings.data_dir).encode(),
        sign_sessions=True,
        xsrf_cookies=True,
        xsrf_cookie_kwargs={"httponly": True, "samesite": "Strict", "secure": context.is_https},
        extra_patterns=[report_route(settings.data_dir / "reports", user_of, visitors.principal)],
        http_server_kwargs=dict(_LIMITS),
        log_function=log_request,
    )
    server._tornado.add_transform(SecureHeaders)
    return server


def _origins(port: int, public: str) -> list[str]:
    """Hosts whose pages may open a WebSocket: the loopback address and the public host."""
    return [f"{host}:{port}" for host in (HOST, "localhost")] + ([public] if public else [])
