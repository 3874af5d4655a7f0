"""Access tokens: JWTs valid for ten minutes, issued for an API key and used in its place (RFC 9068)."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from joserfc.jwt import ClaimsOption, JWTClaimsRegistry

from domain.errors import UnknownCaller
from domain.policy import Permission, Principal, Role

ISSUER = "tutor-quality"
AUDIENCE = "tutor-quality-api"
LIFETIME = timedelta(minutes=10)
LONGEST = 2_000
"""Maximum length of a token in characters; issued ones have about 400."""

_ALGORITHMS = ["HS256"]
_HEADER = {"alg": "HS256", "typ": "at+jwt"}
_CLAIMS = {"iss", "aud", "sub", "iat", "nbf", "exp", "jti", "role", "scope", "tutor_id"}
_OPTIONS: dict[str, ClaimsOption] = {
    "iss": {"essential": True, "value": ISSUER},
    "aud": {"essential": True, "value": AUDIENCE},
    **{name: ClaimsOption(essential=True) for name in ("sub", "iat", "nbf", "exp", "jti", "role")},
}


@dataclass(frozen=True)
class Token:
    """Content of a token: the key it was issued for, its permissions, and its expiry."""

    principal: Principal
    expires_at: datetime


class Tokens:
    """Issues and verifies tokens. Tokens are not stored: code that reads one must check that its key is still valid."""

    def __init__(self, secret: str) -> None:
        self._key = OctKey.import_key(secret)

    def make(self, principal: Principal, now: datetime, until: datetime | None = None) -> tuple[str, Token]:
        """Issue a token for a key's holder. It expires with the key (`until`), if that is earlier."""
        expires_at = min(now + LIFETIME, until or now + LIFETIME).replace(microsecond=0)
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": principal.id,
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
            "jti": secrets.token_urlsafe(12),
            "role": principal.role.value,
            **_optional(principal),
        }
        text = jwt.encode(_HEADER, claims, self._key, algorithms=_ALGORITHMS, default_type=None)
        return text, Token(principal, expires_at)

    def read(self, text: str, now: datetime) -> Token:
        """Content of a token issued here. Raises UnknownCaller for anything else, without disclosing what was wrong."""
        try:
            return self._read(text, now)
        except (JoseError, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            raise UnknownCaller("the token is not valid: request a new one") from error

    def _read(self, text: str, now: datetime) -> Token:
        if len(text) > LONGEST:
            raise ValueError("too long")
        token = jwt.decode(text, self._key, algorithms=_ALGORITHMS)
        # The header must be equal, not just contain these: `kid`, `jwk`, `crit` and the like are not supported.
        if token.header != _HEADER or not set(token.claims) <= _CLAIMS:
            raise ValueError("not a token issued here")
        JWTClaimsRegistry(int(now.timestamp()), 0, **_OPTIONS).validate(token.claims)
        return Token(_principal(token.claims), datetime.fromtimestamp(token.claims["exp"], now.tzinfo))


def _optional(principal: Principal) -> dict[str, str]:
    claims = {}
    if principal.scopes is not None:
        claims["scope"] = " ".join(sorted(principal.scopes))
    if principal.tutor_id is not None:
        claims["tutor_id"] = principal.tutor_id
    return claims


def _principal(claims: Mapping[str, Any]) -> Principal:
    scope = claims.get("scope")
    scopes = None if scope is None else frozenset(Permission(name) for name in str(scope).split())
    return Principal(claims["sub"], Role(claims["role"]), scopes, claims.get("tutor_id"))
