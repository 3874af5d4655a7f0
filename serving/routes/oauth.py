"""Access tokens for client credentials (RFC 6749, section 4.4); the client is an API key."""

from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, unquote_plus

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from domain.errors import UnknownCaller
from domain.keys import ApiKey, parts
from domain.policy import ALLOWED, Permission, Principal
from serving.bodies import admin_examples
from serving.guard.guard import address
from serving.guard.permissions import Signed, access
from serving.http.problems import respond
from serving.resources import AppResources, Resources

router = APIRouter(tags=["keys"])

_FIELDS = {
    "grant_type": {"type": "string", "enum": ["client_credentials"]},
    "client_id": {"type": "string", "description": "the key's id; omit it with HTTP Basic"},
    "client_secret": {"type": "string", "description": "the whole key, or its secret; omit it with HTTP Basic"},
    "scope": {
        "type": "string",
        "description": "requested permissions, separated by spaces; all permissions of the key if omitted",
    },
}
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {"type": "object", "properties": _FIELDS, "required": ["grant_type"]},
                "example": {"grant_type": "client_credentials", "scope": "scores:read"},
            }
        },
    },
    "security": [{"basic": []}, {}],
}
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class AccessToken(BaseModel):
    """A token to send as `Authorization: Bearer …`, and its lifetime in seconds."""

    model_config = ConfigDict(frozen=True)

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int
    scope: Annotated[str, Field(description="permissions of the token, separated by spaces")]


class _Refused(Exception):
    """A rejected token request, with its error code of RFC 6749, section 5.2."""

    def __init__(self, error: str, detail: str, status: int = 400) -> None:
        super().__init__(detail)
        self.error, self.detail, self.status = error, detail, status


@router.post("/api/oauth/token", response_model=AccessToken, openapi_extra=_FORM, summary="Access token")
@access(Signed(), example=admin_examples.ACCESS_TOKEN, media_type="application/x-www-form-urlencoded")
async def token(request: Request, response: Response, resources: AppResources) -> Any:
    """Issue a token, valid for ten minutes, for a key's id and secret, in the body or by HTTP Basic.

    It has the permissions of the key, or those requested in `scope`, and expires or is revoked with the key. Problems
    also contain the `error` of RFC 6749.
    """
    try:
        form = _form(await request.body())
        key = await _key(request, form, resources)
        issued = _issue(key, form, resources, resources.now())
    except _Refused as refused:
        return _refusal(request, refused)
    response.headers.update(_NO_STORE)
    return issued


def _form(body: bytes) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=20)
    except ValueError:
        raise _Refused("invalid_request", "the body is not a form") from None
    if len(dict(pairs)) != len(pairs):
        raise _Refused("invalid_request", "a field is sent twice")
    return dict(pairs)


async def _key(request: Request, form: Mapping[str, str], resources: Resources) -> ApiKey:
    key_id, secret = _client(request.headers.get("authorization", ""), form)
    whole_key = parts(secret)

    def look_up() -> ApiKey:
        if whole_key is not None and whole_key[0] != key_id:
            raise UnknownCaller
        return resources.guard_context.authenticator.key_of(key_id, whole_key[1] if whole_key else secret)

    try:
        return await resources.guard_context.limits.check_credential(address(request), look_up)
    except UnknownCaller:
        raise _Refused("invalid_client", "there is no such client, or its secret is wrong", 401) from None


def _client(authorization: str, form: Mapping[str, str]) -> tuple[str, str]:
    if not authorization:
        if not (form.get("client_id") and form.get("client_secret")):
            raise _Refused("invalid_client", "send the key's id and secret, in the body or by HTTP Basic", 401)
        return form["client_id"], form["client_secret"]
    if "client_id" in form or "client_secret" in form:
        raise _Refused("invalid_request", "send the key's id and secret either in the body or by HTTP Basic")
    scheme, _, encoded = authorization.partition(" ")
    try:
        key_id, separator, secret = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:
        separator = ""
    if scheme.lower() != "basic" or not separator:
        raise _Refused("invalid_client", "the header Authorization is not HTTP Basic", 401)
    return unquote_plus(key_id), unquote_plus(secret)


def _issue(key: ApiKey, form: Mapping[str, str], resources: Resources, now: datetime) -> AccessToken:
    if form.get("grant_type") != "client_credentials":
        error = "unsupported_grant_type" if form.get("grant_type") else "invalid_request"
        raise _Refused(error, "grant_type must be client_credentials")
    allowed = ALLOWED[key.role] if key.scopes is None else key.scopes
    scopes = _scopes(form["scope"]) if "scope" in form else allowed
    if not scopes or not scopes <= allowed:
        raise _Refused("invalid_scope", f"the key is limited to: {' '.join(sorted(allowed))}")
    text, token = resources.guard_context.tokens.make(
        Principal(key.id, key.role, scopes, key.tutor_id), now, key.expires_at
    )
    seconds = int((token.expires_at - now).total_seconds())
    return AccessToken(access_token=text, expires_in=seconds, scope=" ".join(sorted(scopes)))


def _scopes(text: str) -> frozenset[Permission]:
    try:
        return frozenset(Permission(name) for name in text.split())
    except ValueError:
        return frozenset()


def _refusal(request: Request, refused: _Refused) -> Response:
    response = respond(request.scope, refused.status, refused.detail, refused.error, more={"error": refused.error})
    response.headers.update(_NO_STORE)
    if refused.status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="tutor-quality", charset="UTF-8"'
    return response
