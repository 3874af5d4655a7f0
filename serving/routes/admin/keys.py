"""Admin routes for API keys and the audit log."""

import secrets
from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from domain.events.types import Id, Moment, Name, PathId
from domain.keys import ApiKey, KeyWish
from domain.policy import Permission, Role
from serving.bodies import admin_examples
from serving.guard.permissions import access
from serving.guard.request_state import Caller, mark_audited
from serving.http.problems import request_id
from serving.resources import AppResources
from store.access.audit import StoredRow, read_rows
from store.access.keys import create_key, list_keys, revoke_key

router = APIRouter(prefix="/api/admin", tags=["keys"])

KeyName = Annotated[Name, Field(min_length=1)]


class KeyRequest(BaseModel):
    """Properties of the key to create."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"example": {"name": "Rails, production", "role": "read", "scopes": ["scores:read"]}},
    )

    name: KeyName = Field(description="who will use the key")
    role: Role
    scopes: frozenset[Permission] | None = Field(
        None, description="a subset of the role's permissions; all of them if omitted"
    )
    tutor_id: PathId | None = Field(None, description="for the role `tutor`: the tutor whose scores the key can read")
    expires_at: Moment | None = Field(None, description="expiry; none if omitted")

    @property
    def wish(self) -> KeyWish:
        """The request in the domain's form. Raises InvalidKey."""
        return KeyWish(self.name, self.role, self.scopes, self.tutor_id, self.expires_at)


class KeyView(BaseModel):
    """A key without its secret, which only its holder has."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    role: Role
    scopes: tuple[Permission, ...] | None
    tutor_id: str | None
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="accurate to the minute")

    @classmethod
    def of(cls, key: ApiKey, /, **more: str) -> Self:
        """The view of a key; `more` are further fields."""
        scopes = None if key.scopes is None else tuple(sorted(key.scopes))
        fields = {name: value for name, value in vars(key).items() if name in KeyView.model_fields}
        return cls(**{**fields, **more, "scopes": scopes})


class NewKey(KeyView):
    """A key that was just created. `key` is never shown again."""

    key: str = Field(description="the API key that its holder sends", examples=["tqs_live_6f1c…_9a40…"])


class KeyList(BaseModel):
    """Every key ever created, newest first."""

    keys: tuple[KeyView, ...]


class AuditQuery(BaseModel):
    """Filter and page of the audit log."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject_id: Id | None = Field(None, description="only rows about this tutor (or key, or delivery)")
    actor: Id | None = Field(None, description="only actions of this key, or of `installation`")
    before: Annotated[int, Field(ge=1, lt=2**63)] | None = Field(None, description="only rows older than this one")
    limit: int = Field(100, ge=1, le=1000)


class AuditEntry(BaseModel):
    """One action of a caller, with its role and the subject."""

    model_config = ConfigDict(frozen=True)

    id: int
    at: datetime
    actor: str
    role: Role
    action: str
    subject_id: str | None
    request_id: str | None
    detail: dict[str, Any] | None

    @classmethod
    def of(cls, stored: StoredRow) -> Self:
        """The view of a row."""
        return cls(id=stored.id, **vars(stored.row))


class AuditLog(BaseModel):
    """Rows of the audit log, newest first. Send `before` to get the next page; it is null on the last."""

    rows: tuple[AuditEntry, ...]
    before: int | None


@router.post("/keys", status_code=201, summary="Create a key")
@access(Permission.ADMIN, example=admin_examples.NEW_KEY)
def make(body: KeyRequest, caller: Caller, request: Request, response: Response, resources: AppResources) -> NewKey:
    """Create a key. Only this response contains its text: a SHA-256 of the secret is stored."""
    key, text = create_key(
        resources.engine, body.wish, caller, resources.now(), secrets.token_bytes, request_id(request.scope)
    )
    mark_audited(request)
    response.headers["Cache-Control"] = "no-store"
    return NewKey.of(key, key=text)


@router.get("/keys", summary="List keys")
@access(Permission.ADMIN, example=admin_examples.KEY_LIST)
def keys(resources: AppResources) -> KeyList:
    """List every key ever created, without secrets: when it was last used, expires or was revoked."""
    return KeyList(keys=tuple(KeyView.of(key) for key in list_keys(resources.engine)))


@router.delete("/keys/{key_id}", status_code=204, summary="Revoke a key")
@access(Permission.ADMIN)
def revoke(key_id: Id, caller: Caller, request: Request, resources: AppResources) -> None:
    """Revoke a key and its tokens, effective at once. Revoking it again changes nothing."""
    revoke_key(resources.engine, key_id, caller, resources.now(), request_id(request.scope))
    resources.guard_context.authenticator.clear_cache()
    mark_audited(request)


@router.get("/audit", summary="Audit log")
@access(Permission.ADMIN, example=admin_examples.AUDIT_LOG)
def audit(query: Annotated[AuditQuery, Query()], resources: AppResources) -> AuditLog:
    """List reads of tutors' data and actions of administrators. The rows cannot be changed."""
    rows = read_rows(resources.engine, query.subject_id, query.actor, query.before, query.limit)
    before = rows[-1].id if len(rows) == query.limit else None
    return AuditLog(rows=tuple(AuditEntry.of(row) for row in rows), before=before)
