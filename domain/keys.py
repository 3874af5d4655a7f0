"""Keys of the API: how one is written, what is kept of it, and who its holder is."""

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
    """A key as it is kept: everything but its secret, of which there is only a SHA-256."""

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
        """Whether this is the key's secret. Takes as long for a wrong one as for the right one."""
        return hmac.compare_digest(digest(secret), self.secret_sha256)

    @property
    def principal(self) -> Principal:
        """Who the holder is."""
        return Principal(self.id, self.role, self.scopes, self.tutor_id)


@dataclass(frozen=True)
class KeyWish:
    """What a key is to be. Raises InvalidKey for scopes beyond the role, or a tutor where there is none to name."""

    name: str
    role: Role
    scopes: frozenset[Permission] | None = None
    tutor_id: str | None = None
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse what could never be used as meant."""
        beyond = sorted((self.scopes or frozenset()) - ALLOWED[self.role])
        if beyond:
            raise InvalidKey(f"scopes: {', '.join(beyond)} is more than the role {self.role} may")
        if (self.role is Role.TUTOR) != (self.tutor_id is not None):
            raise InvalidKey("tutor_id: name the tutor for the role tutor, and for no other")


def make_key(wish: KeyWish, now: datetime, by: str, random: Callable[[int], bytes]) -> tuple[ApiKey, str]:
    """A new key and its text, which is shown once. `random` gives so many unforeseeable bytes.

    Raises InvalidKey for one that would be expired already.
    """
    if wish.expires_at is not None and wish.expires_at <= now:
        raise InvalidKey("expires_at: lies in the past")
    key_id, secret = random(ID_BYTES).hex(), random(SECRET_BYTES).hex()
    key = ApiKey(
        key_id, wish.name, wish.role, wish.scopes, wish.tutor_id, digest(secret), now, by, expires_at=wish.expires_at
    )
    return key, f"{PREFIX}{key_id}_{secret}"


def parts(text: str) -> tuple[str, str] | None:
    """The id and the secret of a key's text; None for what is not written as a key."""
    found = _WRITTEN.fullmatch(text)
    return (found[1], found[2]) if found else None


def digest(secret: str) -> str:
    """SHA-256 of a secret, in hexadecimal. It is random and long, so that neither salt nor stretching adds anything."""
    return sha256(secret.encode(errors="surrogateescape")).hexdigest()
