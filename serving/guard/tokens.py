"""Access tokens: JWTs of ten minutes that a key's holder may use in its place, as RFC 9068 describes them."""

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
"""Characters of a token; ours have some 400."""

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
    """What a token says: of which key it is, what its holder may, and until when."""

    principal: Principal
    expires_at: datetime


class Tokens:
    """Makes tokens and reads them. Nothing about them is stored: whoever reads one asks whether its key still works."""

    def __init__(self, secret: str) -> None:
        self._key = OctKey.import_key(secret)

    def make(self, principal: Principal, now: datetime, until: datetime | None = None) -> tuple[str, Token]:
        """A token for a key's holder; it ends with the key, if that is earlier (`until`)."""
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
        """What a token of ours says. Raises UnknownCaller for anything else, and never says what was wrong with it."""
        try:
            return self._read(text, now)
        except (JoseError, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            raise UnknownCaller("the token is not valid: ask for a new one") from error

    def _read(self, text: str, now: datetime) -> Token:
        if len(text) > LONGEST:
            raise ValueError("too long")
        token = jwt.decode(text, self._key, algorithms=_ALGORITHMS)
        # Equal, not merely holding: `kid`, `jwk`, `crit` and the like mean nothing here.
        if token.header != _HEADER or not set(token.claims) <= _CLAIMS:
            raise ValueError("not a token as we make them")
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
    scopes = None if scope is None else frozenset(Permission(one) for one in str(scope).split())
    return Principal(claims["sub"], Role(claims["role"]), scopes, claims.get("tutor_id"))
