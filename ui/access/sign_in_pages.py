"""HTTP handlers of the dashboard's sign-in and sign-out."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from panel.auth import BasicAuthProvider
from tornado.web import RequestHandler

from domain.errors import DatabaseUnavailable
from store.access.audit import AuditRow, write_rows
from store.db.engine import Engine
from ui.access.attempts import Attempts
from ui.access.sign_in import Visitors
from ui.parts.rendering import rendered

SIGNED_IN_DAYS = 1
LOGIN_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
WRONG = "User or password is wrong."
UNAVAILABLE = "The database is unavailable, so the key cannot be checked. Try again in a few seconds."


@dataclass(frozen=True)
class SignInContext:
    """Dependencies of the sign-in handlers. `is_https`: whether browsers reach the dashboard over HTTPS."""

    engine: Engine
    visitors: Visitors
    attempts: Attempts
    now: Callable[[], datetime]
    is_https: bool

    def audit(self, action: str, user: str) -> None:
        """Write an audit row. Raises DatabaseUnavailable."""
        actor = self.visitors.principal_or_unknown(user)
        write_rows(self.engine, [AuditRow(self.now(), actor.id, actor.role, action)])


def local_path(wanted: str) -> str:
    """Redirect target after the sign-in: `wanted` if it is a path of this dashboard, otherwise "/".

    Browsers read `//host`, `/\\host` and control characters in between as another host.
    """
    is_plain = all("!" <= character <= "~" and character != "\\" for character in wanted)
    parts = urlsplit(wanted) if is_plain else None
    is_local = parts is not None and not parts.scheme and not parts.netloc and wanted.startswith("/")
    return wanted if is_local and not wanted.startswith("//") else "/"


class SignIn(BasicAuthProvider):  # type: ignore[misc]  # Panel ships no types for it
    """Panel's authentication with our sign-in and sign-out pages."""

    def __init__(self, context: SignInContext) -> None:
        self._context = context  # first: the constructor below reads the handlers
        super().__init__()

    @property
    def login_handler(self) -> type[RequestHandler]:
        """Handler class of the sign-in page, as Panel requires."""
        return type("Login", (_Login,), {"context": self._context})

    @property
    def logout_handler(self) -> type[RequestHandler]:
        """Handler class of the sign-out, as Panel requires."""
        return type("Logout", (_Logout,), {"context": self._context})


class _Login(RequestHandler):
    context: SignInContext

    def get(self) -> None:
        self._show(local_path(self.get_query_argument("next", "/")))

    def post(self) -> None:
        """Sign in. Tornado checks the form's anti-forgery token first (`xsrf_cookies`)."""
        user, password = self.get_body_argument("username", ""), self.get_body_argument("password", "", strip=False)
        wanted = local_path(self.get_body_argument("next", "/"))
        address = self.request.remote_ip or ""
        wait = self.context.attempts.wait(address, user)
        if wait > timedelta():
            return self._refuse_for_now(wanted, wait)
        try:
            if not self.context.visitors.can_sign_in(user, password):
                self.context.attempts.wrong(address, user)
                self.context.audit("dashboard sign-in refused", user)
                return self._show(wanted, WRONG, 401)
            self.context.audit("dashboard sign-in", user)
        except DatabaseUnavailable:
            return self._show(wanted, UNAVAILABLE, 503)
        self.set_signed_cookie(
            "user", user, expires_days=SIGNED_IN_DAYS, httponly=True, samesite="Lax", secure=self.context.is_https
        )
        self.redirect(wanted, status=303)

    def _refuse_for_now(self, wanted: str, wait: timedelta) -> None:
        self.set_header("Retry-After", str(math.ceil(wait.total_seconds())))
        minutes = math.ceil(wait.total_seconds() / 60)
        self._show(wanted, f"Too many wrong passwords. Try again in {minutes} min.", 429)

    def _show(self, wanted: str, problem: str = "", status: int = 200) -> None:
        self.set_status(status)
        self.set_header("Content-Security-Policy", LOGIN_POLICY)
        self.set_header("Cache-Control", "no-store")
        token = self.xsrf_token.decode()
        self.finish(rendered("login.html", problem=problem, wanted=wanted, token=token))


class _Logout(RequestHandler):
    context: SignInContext

    def get(self) -> None:
        """Sign out; ignored when a link on another site requests it."""
        if self.request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
            return self.redirect("/", status=303)
        user = self.get_signed_cookie("user", max_age_days=SIGNED_IN_DAYS)
        if user:
            self.context.audit("dashboard sign-out", user.decode())
        for name in ("user", "id_token", "is_guest"):
            self.clear_cookie(name)
        self.redirect("/login", status=303)


def user_of(handler: Any) -> str | None:
    """The user who is signed in, from the signed cookie; None without one."""
    user = handler.get_signed_cookie("user", max_age_days=SIGNED_IN_DAYS)
    return user.decode() if user else None
