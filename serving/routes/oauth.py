"""Access tokens for client credentials: RFC 6749, section 4.4, where the client is a key."""

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
    "client_id": {"type": "string", "description": "the key's id; not where HTTP Basic is used"},
    "client_secret": {"type": "string", "description": "the whole key, or its secret; not where HTTP Basic is used"},
    "scope": {
        "type": "string",
        "description": "what the token may do, spaces between; all that the key may, if left out",
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
    """A token to send as `Authorization: Bearer …`, and for how many seconds it is good."""

    model_config = ConfigDict(frozen=True)

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int
    scope: Annotated[str, Field(description="what it may do, with spaces between")]


class _Refused(Exception):
    """A request for a token that RFC 6749, section 5.2, has a word for."""

    def __init__(self, error: str, detail: str, status: int = 400) -> None:
        super().__init__(detail)
        self.error, self.detail, self.status = error, detail, status


@router.post("/api/oauth/token", response_model=AccessToken, openapi_extra=_FORM, summary="Access token")
@access(Signed(), example=admin_examples.ACCESS_TOKEN, media_type="application/x-www-form-urlencoded")
async def token(request: Request, response: Response, resources: AppResources) -> Any:
    """A token of ten minutes for a key's id and secret, in the body or by HTTP Basic.

    It may do what the key may, or the part named in `scope`, and dies with the key. Problems carry the `error` of
    RFC 6749 as well.
    """
    try:
        form = _form(await request.body())
        key = await _key(request, form, resources)
        made = _made(key, form, resources, resources.now())
    except _Refused as refused:
        return _refusal(request, refused)
    response.headers.update(_NO_STORE)
    return made


def _form(body: bytes) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=20)
    except ValueError:
        raise _Refused("invalid_request", "the body is not a form") from None
    if len(dict(pairs)) != len(pairs):
        raise _Refused("invalid_request", "a field is given twice")
    return dict(pairs)


async def _key(request: Request, form: Mapping[str, str], resources: Resources) -> ApiKey:
    key_id, secret = _client(request.headers.get("authorization", ""), form)
    whole = parts(secret)

    def look_up() -> ApiKey:
        if whole is not None and whole[0] != key_id:
            raise UnknownCaller
        return resources.guard_context.authenticator.key_of(key_id, whole[1] if whole else secret)

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
        raise _Refused("invalid_request", "send the key's id and secret in one way, not in two")
    scheme, _, encoded = authorization.partition(" ")
    try:
        key_id, separator, secret = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:
        separator = ""
    if scheme.lower() != "basic" or not separator:
        raise _Refused("invalid_client", "the header Authorization is not HTTP Basic", 401)
    return unquote_plus(key_id), unquote_plus(secret)


def _made(key: ApiKey, form: Mapping[str, str], resources: Resources, now: datetime) -> AccessToken:
    if form.get("grant_type") != "client_credentials":
        wrong = "unsupported_grant_type" if form.get("grant_type") else "invalid_request"
        raise _Refused(wrong, "grant_type must be client_credentials")
    may = ALLOWED[key.role] if key.scopes is None else key.scopes
    scopes = _scopes(form["scope"]) if "scope" in form else may
    if not scopes or not scopes <= may:
        raise _Refused("invalid_scope", f"the key may do no more than: {' '.join(sorted(may))}")
    text, made = resources.guard_context.tokens.make(
        Principal(key.id, key.role, scopes, key.tutor_id), now, key.expires_at
    )
    seconds = int((made.expires_at - now).total_seconds())
    return AccessToken(access_token=text, expires_in=seconds, scope=" ".join(sorted(scopes)))


def _scopes(named: str) -> frozenset[Permission]:
    try:
        return frozenset(Permission(one) for one in named.split())
    except ValueError:
        return frozenset()


def _refusal(request: Request, refused: _Refused) -> Response:
    response = respond(request.scope, refused.status, refused.detail, refused.error, more={"error": refused.error})
    response.headers.update(_NO_STORE)
    if refused.status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="tutor-quality", charset="UTF-8"'
    return response
