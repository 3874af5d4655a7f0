"""Authentication at the dashboard: its admin, with a password made at the first start, and holders of API keys."""

import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import panel as pn

from domain.errors import DatabaseUnavailable, UnknownCaller
from domain.keys import parts
from domain.policy import Principal, Role
from gateways.secret_file import kept_secret
from store.access.keys import find_key
from store.db.engine import Engine

USER = "admin"
PASSWORD_FILE = "dashboard_password"
ADMIN = Principal("dashboard", Role.ADMIN)
UNKNOWN = Principal("unknown", Role.READ)
"""The actor of a refused sign-in: what was typed as the user may be a password, so it is not kept."""


def credentials(data_dir: Path) -> dict[str, str]:
    """The password of the dashboard's own admin."""
    return {USER: kept_secret(data_dir / PASSWORD_FILE)}


def cookie_secret(data_dir: Path) -> str:
    """The secret that signs cookies; kept, so that a restart signs nobody out."""
    return kept_secret(data_dir / "dashboard_cookie_secret")


def session_secret(data_dir: Path) -> str:
    """The secret that signs the ids of page sessions, so that none can be guessed or chosen."""
    return kept_secret(data_dir / "dashboard_session_secret")


class Visitors:
    """Visitors: the admin, or the holder of a key, with its id as the user and the whole key as the password."""

    def __init__(self, engine: Engine, passwords: Mapping[str, str], now: Callable[[], datetime]) -> None:
        self._engine, self._passwords, self._now = engine, passwords, now

    def may_enter(self, user: str, password: str) -> bool:
        """Whether this is the user's password. Raises DatabaseUnavailable where a key cannot be looked up."""
        if user in self._passwords:
            return hmac.compare_digest(self._passwords[user].encode(), password.encode())
        written = parts(password)
        if written is None or written[0] != user:
            return False
        key = find_key(self._engine, user)
        return key is not None and key.works(self._now()) and key.opens_with(written[1])

    def named(self, user: str | None) -> Principal:
        """Principal of a user who signed in before. Raises UnknownCaller for a key that works no more."""
        if user in self._passwords:
            return ADMIN
        key = find_key(self._engine, user) if user else None
        if key is None or not key.works(self._now()):
            raise UnknownCaller("Your key was revoked or has expired: sign in with another one.")
        return key.principal

    def named_or_unknown(self, user: str) -> Principal:
        """Principal of a user for the audit: UNKNOWN for a name that is neither the admin's nor a key's."""
        try:
            return self.named(user)
        except (UnknownCaller, DatabaseUnavailable):
            return UNKNOWN

    def present(self) -> Principal:
        """Principal of the page that is being made. Raises UnknownCaller, DatabaseUnavailable."""
        return self.named(pn.state.user)
