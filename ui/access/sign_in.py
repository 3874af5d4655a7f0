"""Authentication at the dashboard: its own admin, and holders of API keys."""

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
"""Actor of a refused sign-in in the audit log: the user field may contain a password, so it is not stored."""


def credentials(data_dir: Path) -> dict[str, str]:
    """The password of the dashboard's own admin, generated at the first start."""
    return {USER: kept_secret(data_dir / PASSWORD_FILE)}


def cookie_secret(data_dir: Path) -> str:
    """The secret that signs cookies; stored, so that sign-ins survive a restart."""
    return kept_secret(data_dir / "dashboard_cookie_secret")


def session_secret(data_dir: Path) -> str:
    """The secret that signs the ids of page sessions, so that they can be neither guessed nor chosen."""
    return kept_secret(data_dir / "dashboard_session_secret")


class Visitors:
    """Authentication of visitors: the admin, or a key with its id as the user and the whole key as the password."""

    def __init__(self, engine: Engine, passwords: Mapping[str, str], now: Callable[[], datetime]) -> None:
        self._engine, self._passwords, self._now = engine, passwords, now

    def can_sign_in(self, user: str, password: str) -> bool:
        """Whether this is the user's password. Raises DatabaseUnavailable if a key cannot be looked up."""
        if user in self._passwords:
            return hmac.compare_digest(self._passwords[user].encode(), password.encode())
        key_parts = parts(password)
        if key_parts is None or key_parts[0] != user:
            return False
        key = find_key(self._engine, user)
        return key is not None and key.works(self._now()) and key.opens_with(key_parts[1])

    def principal(self, user: str | None) -> Principal:
        """Principal of a user who signed in before. Raises UnknownCaller for a revoked or expired key."""
        if user in self._passwords:
            return ADMIN
        key = find_key(self._engine, user) if user else None
        if key is None or not key.works(self._now()):
            raise UnknownCaller("Your key was revoked or has expired: sign in with another one.")
        return key.principal

    def principal_or_unknown(self, user: str) -> Principal:
        """Principal of a user for the audit log; UNKNOWN for a name that is neither the admin nor a key."""
        try:
            return self.principal(user)
        except (UnknownCaller, DatabaseUnavailable):
            return UNKNOWN

    def current(self) -> Principal:
        """Principal of the current page view. Raises UnknownCaller, DatabaseUnavailable."""
        return self.principal(pn.state.user)
