"""Who may see the dashboard: its admin, whose password is made at the first start, and who holds a key of the API."""

import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import panel as pn
from panel.auth import BasicAuthProvider, BasicLoginHandler

from domain.errors import DatabaseUnavailable, UnknownCaller
from domain.keys import parts
from domain.policy import Principal, Role
from gateways.secret_file import kept_secret
from store.database import Engine
from store.keys import find_key

USER = "admin"
PASSWORD_FILE = "dashboard_password"
LOGIN_PAGE = Path(__file__).parent / "templates" / "login.html"
ADMIN = Principal("dashboard", Role.ADMIN)


def credentials(data_dir: Path) -> dict[str, str]:
    """The password of the dashboard's own admin."""
    return {USER: kept_secret(data_dir / PASSWORD_FILE)}


def cookie_secret(data_dir: Path) -> str:
    """What signs the cookies; kept, so that a restart signs nobody out."""
    return kept_secret(data_dir / "dashboard_cookie_secret")


class Visitors:
    """Who visits: the admin, or the holder of a key, with its id as the user and the whole key as the password."""

    def __init__(self, engine: Engine, passwords: Mapping[str, str], now: Callable[[], datetime]) -> None:
        self._engine, self._passwords, self._now = engine, passwords, now

    def may_enter(self, user: str, password: str) -> bool:
        """Whether this is the user's password."""
        if user in self._passwords:
            return hmac.compare_digest(self._passwords[user].encode(), password.encode())
        written = parts(password)
        if written is None or written[0] != user:
            return False
        try:
            key = find_key(self._engine, user)
        except DatabaseUnavailable:
            return False
        return key is not None and key.works(self._now()) and key.opens_with(written[1])

    def named(self, user: str | None) -> Principal:
        """Who a user is that signed in before. Raises UnknownCaller for a key that works no more."""
        if user in self._passwords:
            return ADMIN
        key = find_key(self._engine, user) if user else None
        if key is None or not key.works(self._now()):
            raise UnknownCaller("Your key was revoked or has expired: sign in with another one.")
        return key.principal

    def present(self) -> Principal:
        """Who looks at the page that is being made. Raises UnknownCaller, DatabaseUnavailable."""
        return self.named(pn.state.user)


class SignIn(BasicAuthProvider):  # type: ignore[misc]  # Panel ships no types for it
    """Panel's sign-in with a user and a password, asking us instead of a table of passwords."""

    def __init__(self, visitors: Visitors) -> None:
        self._visitors = visitors  # first: the constructor below already asks for the handler
        super().__init__(login_template=str(LOGIN_PAGE))

    @property
    def login_handler(self) -> type[BasicLoginHandler]:
        """The handler of the sign-in page; Panel wants a class."""
        visitors = self._visitors

        class Handler(super().login_handler):  # type: ignore[misc]
            def _validate(self, user: str, password: str) -> bool:
                return visitors.may_enter(user, password)

        return Handler
