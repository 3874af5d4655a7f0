"""The sign-in and sign-out of the dashboard, over HTTP."""

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
AWAY = "The database does not answer, so keys cannot be checked. Try again in a moment."


@dataclass(frozen=True)
class Door:
    """Dependencies of the sign-in: visitors, limit of wrong passwords, audit, and whether people come by https."""

    engine: Engine
    visitors: Visitors
    attempts: Attempts
    now: Callable[[], datetime]
    is_https: bool

    def note(self, action: str, user: str) -> None:
        """Write an audit row. Raises DatabaseUnavailable."""
        who = self.visitors.named_or_unknown(user)
        write_rows(self.engine, [AuditRow(self.now(), who.id, who.role, action)])


def local_path(wanted: str) -> str:
    """The address to go to after the sign-in: a path of this dashboard, or its first page for anything else.

    Browsers read `//host`, `/\\host` and control characters in between as another host.
    """
    is_plain = all("!" <= character <= "~" and character != "\\" for character in wanted)
    parts = urlsplit(wanted) if is_plain else None
    is_local = parts is not None and not parts.scheme and not parts.netloc and wanted.startswith("/")
    return wanted if is_local and not wanted.startswith("//") else "/"


class SignIn(BasicAuthProvider):  # type: ignore[misc]  # Panel ships no types for it
    """Panel's authentication with our sign-in and sign-out pages."""

    def __init__(self, door: Door) -> None:
        self._door = door  # first: the constructor below already asks for the handlers
        super().__init__()

    @property
    def login_handler(self) -> type[RequestHandler]:
        """The handler of the sign-in page; Panel wants a class."""
        door = self._door
        return type("Login", (_Login,), {"door": door})

    @property
    def logout_handler(self) -> type[RequestHandler]:
        """The handler of the sign-out; Panel wants a class."""
        door = self._door
        return type("Logout", (_Logout,), {"door": door})


class _Login(RequestHandler):
    door: Door

    def get(self) -> None:
        self._show(local_path(self.get_query_argument("next", "/")))

    def post(self) -> None:
        """Sign in. The form carries a token that only our own page can have (`xsrf_cookies`)."""
        user, password = self.get_body_argument("username", ""), self.get_body_argument("password", "", strip=False)
        wanted = local_path(self.get_body_argument("next", "/"))
        address = self.request.remote_ip or ""
        wait = self.door.attempts.wait(address, user)
        if wait > timedelta():
            return self._refuse_for_now(wanted, wait)
        try:
            if not self.door.visitors.may_enter(user, password):
                self.door.attempts.wrong(address, user)
                self.door.note("dashboard sign-in refused", user)
                return self._show(wanted, WRONG, 401)
            self.door.note("dashboard sign-in", user)
        except DatabaseUnavailable:
            return self._show(wanted, AWAY, 503)
        self.set_signed_cookie(
            "user", user, expires_days=SIGNED_IN_DAYS, httponly=True, samesite="Lax", secure=self.door.is_https
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
    door: Door

    def get(self) -> None:
        """Sign out. A link on another site signs nobody out."""
        if self.request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
            return self.redirect("/", status=303)
        user = self.get_signed_cookie("user", max_age_days=SIGNED_IN_DAYS)
        if user:
            self.door.note("dashboard sign-out", user.decode())
        for name in ("user", "id_token", "is_guest"):
            self.clear_cookie(name)
        self.redirect("/login", status=303)


def user_of(handler: Any) -> str | None:
    """The user who is signed in, from the signed cookie; None without one."""
    user = handler.get_signed_cookie("user", max_age_days=SIGNED_IN_DAYS)
    return user.decode() if user else None
