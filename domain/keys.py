"""API keys: text format, stored record and principal."""

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from domain.errors import InvalidKey
from domain.policy import ALLOWED, Permission, Principal, Role

PREFIX = "tqs_live_"
ID_BYTES = 8
SECRET_BYTES = 32

_WRITTEN = re.compile(r"tqs_live_([A-Za-z0-9-]{1,64})_([A-Za-z0-9-]{1,200})")


@dataclass(frozen=True)
class ApiKey:
    """Stored record of an API key; the secret is stored only as a SHA-256 digest."""

    id: str
    name: str
    role: Role
    scopes: frozenset[Permission] | None
    tutor_id: str | None
    secret_sha256: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def works(self, now: datetime) -> bool:
        """Whether the key is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def opens_with(self, secret: str) -> bool:
        """Whether `secret` is the key's secret, compared in constant time."""
        return hmac.compare_digest(digest(secret), self.secret_sha256)

    @property
    def principal(self) -> Principal:
        """The caller that the key authenticates."""
        return Principal(self.id, self.role, self.scopes, self.tutor_id)


@dataclass(frozen=True)
class KeyWish:
    """Requested properties of a new key.

    Raises InvalidKey for scopes beyond the role, for the role tutor without a tutor, and for another role with one.
    """

    name: str
    role: Role
    scopes: frozenset[Permission] | None = None
    tutor_id: str | None = None
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        """Reject a combination that could never be used as intended."""
        beyond = sorted((self.scopes or frozenset()) - ALLOWED[self.role])
        if beyond:
            raise InvalidKey(f"scopes: the role {self.role} does not allow {', '.join(beyond)}")
        if (self.role is Role.TUTOR) != (self.tutor_id is not None):
            raise InvalidKey("tutor_id: required for the role tutor, not allowed for other roles")


def make_key(wish: KeyWish, now: datetime, by: str, random: Callable[[int], bytes]) -> tuple[ApiKey, str]:
    """Create a key; returns its record and its text, which is shown once.

    `random(n)` returns n cryptographically random bytes. Raises InvalidKey for an expiry in the past.
    """
    if wish.expires_at is not None and wish.expires_at <= now:
        raise InvalidKey("expires_at: is in the past")
    key_id, secret = random(ID_BYTES).hex(), random(SECRET_BYTES).hex()
    key = ApiKey(
        key_id, wish.name, wish.role, wish.scopes, wish.tutor_id, digest(secret), now, by, expires_at=wish.expires_at
    )
    return key, f"{PREFIX}{key_id}_{secret}"


def parts(text: str) -> tuple[str, str] | None:
    """Id and secret from a key's text; None for text that is not in the format of a key."""
    match = _WRITTEN.fullmatch(text)
    return (match[1], match[2]) if match else None


def digest(secret: str) -> str:
    """Hexadecimal SHA-256 of a secret. Secrets are long and random, so salting or stretching would add nothing."""
    return sha256(secret.encode(errors="surrogateescape")).hexdigest()
