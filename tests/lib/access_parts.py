"""Callers of every kind, each with a real key in a real database, for authorization tests."""

import secrets
from datetime import datetime, timedelta

from domain.keys import ApiKey, KeyWish
from domain.policy import Permission, Principal, Role
from serving.guard.authentication import INSTALLATION
from serving.guard.memory_counts import MemoryCounts
from serving.guard.rate_limits import Limits
from serving.resources import Resources
from serving.state.champions import Champions
from store.access.keys import create_key, revoke_key
from store.db.engine import Engine
from tests.lib.api_parts import KEY, NOW

BEFORE = NOW - timedelta(days=2)
TOKEN_SECRET = "a-secret-of-tests-with-thirty-two-characters"


class Clock:
    """A clock that advances only on request."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def go_on(self, **duration: float) -> None:
        """Advance the clock."""
        self.now += timedelta(**duration)


def resources_of(engine: Engine, clock: Clock | None = None, rate: str = "100000/minute") -> Resources:
    """Resources with the test secret for tokens, and no lockout after wrong keys."""
    limits = Limits(rate, MemoryCounts(), wrong_keys="100000/minute")
    return Resources(engine, Champions(engine), KEY, clock or Clock(), limits=limits, token_secret=TOKEN_SECRET)


def new_key(
    engine: Engine,
    role: Role = Role.READ,
    tutor_id: str | None = None,
    scopes: frozenset[Permission] | None = None,
    expires_at: datetime | None = None,
    by: Principal = INSTALLATION,
) -> tuple[ApiKey, str]:
    """Create a key two days ago. Returns the key and its text."""
    wish = KeyWish(f"{role} for tests", role, scopes, tutor_id, expires_at)
    return create_key(engine, wish, by, BEFORE, secrets.token_bytes)


def callers(engine: Engine) -> dict[str, str | None]:
    """Key text by kind of caller: one per role, none, an expired and a revoked one."""
    keys: dict[str, str | None] = {"anonymous": None}
    for role in Role:
        keys[role] = new_key(engine, role, "ada" if role is Role.TUTOR else None)[1]
    keys["expired"] = new_key(engine, Role.ADMIN, expires_at=NOW - timedelta(hours=1))[1]
    revoked, keys["revoked"] = new_key(engine, Role.ADMIN)
    revoke_key(engine, revoked.id, INSTALLATION, BEFORE)
    return keys


def bearer(text: str | None) -> dict[str, str]:
    """Authorization header for a key or a token."""
    return {"authorization": f"Bearer {text}"} if text else {}
