"""Keys and what was done with them, for an administrator."""

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
from store.access.audit import KeptRow, read_rows
from store.access.keys import create_key, list_keys, revoke_key

router = APIRouter(prefix="/api/admin", tags=["keys"])

KeyName = Annotated[Name, Field(min_length=1)]


class KeyRequest(BaseModel):
    """What a key is to be."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"example": {"name": "Rails, production", "role": "read", "scopes": ["scores:read"]}},
    )

    name: KeyName = Field(description="who will hold it")
    role: Role
    scopes: frozenset[Permission] | None = Field(None, description="a part of what the role may; all, where left out")
    tutor_id: PathId | None = Field(None, description="for the role `tutor`: whose scores it opens")
    expires_at: Moment | None = Field(None, description="never, where left out")

    @property
    def wish(self) -> KeyWish:
        """The same for the store. Raises InvalidKey."""
        return KeyWish(self.name, self.role, self.scopes, self.tutor_id, self.expires_at)


class KeyView(BaseModel):
    """A key without its secret, which nobody has but its holder."""

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
    last_used_at: datetime | None = Field(description="to the minute")

    @classmethod
    def of(cls, made: ApiKey, **more: str) -> Self:
        """The view of a key."""
        scopes = None if made.scopes is None else tuple(sorted(made.scopes))
        shown = {name: value for name, value in vars(made).items() if name in KeyView.model_fields}
        return cls(**{**shown, **more, "scopes": scopes})


class NewKey(KeyView):
    """A key that was just made. `key` is shown this once."""

    key: str = Field(description="what its holder sends", examples=["tqs_live_6f1c…_9a40…"])


class Keys(BaseModel):
    """Every key there ever was, the newest first."""

    keys: tuple[KeyView, ...]


class AuditQuery(BaseModel):
    """Which rows of the audit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject_id: Id | None = Field(None, description="only what concerns this tutor (or key, or delivery)")
    actor: Id | None = Field(None, description="only what this key, or `installation`, did")
    before: Annotated[int, Field(ge=1, lt=2**63)] | None = Field(None, description="only rows older than this one")
    limit: int = Field(100, ge=1, le=1000)


class AuditEntry(BaseModel):
    """Who did what, as what, to or about whom."""

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
    def of(cls, kept: KeptRow) -> Self:
        """The view of a row."""
        return cls(id=kept.id, **vars(kept.row))


class Audit(BaseModel):
    """Rows of the audit, the newest first; `before` is what to ask for the next ones with, null at the end."""

    rows: tuple[AuditEntry, ...]
    before: int | None


@router.post("/keys", status_code=201, summary="Make a key")
@access(Permission.ADMIN, example=admin_examples.NEW_KEY)
def make(wanted: KeyRequest, caller: Caller, request: Request, response: Response, resources: AppResources) -> NewKey:
    """A new key. Its text is in this answer and nowhere else: we keep only a SHA-256 of its secret."""
    made = create_key(
        resources.engine, wanted.wish, caller, resources.now(), secrets.token_bytes, request_id(request.scope)
    )
    mark_audited(request)
    response.headers["Cache-Control"] = "no-store"
    return NewKey.of(made[0], key=made[1])


@router.get("/keys", summary="List keys")
@access(Permission.ADMIN, example=admin_examples.KEY_LIST)
def keys(resources: AppResources) -> Keys:
    """Every key there ever was, without its secret: when it was last used, expires or was revoked."""
    return Keys(keys=tuple(KeyView.of(key) for key in list_keys(resources.engine)))


@router.delete("/keys/{key_id}", status_code=204, summary="Revoke a key")
@access(Permission.ADMIN)
def revoke(key_id: Id, caller: Caller, request: Request, resources: AppResources) -> None:
    """Make a key and its tokens useless at once. Once more does nothing more."""
    revoke_key(resources.engine, key_id, caller, resources.now(), request_id(request.scope))
    resources.guard_context.authenticator.clear_cache()
    mark_audited(request)


@router.get("/audit", summary="Who read and did what")
@access(Permission.ADMIN, example=admin_examples.AUDIT_LOG)
def audit(query: Annotated[AuditQuery, Query()], resources: AppResources) -> Audit:
    """Reads of a tutor's data and acts of administrators. The rows cannot be changed."""
    found = read_rows(resources.engine, query.subject_id, query.actor, query.before, query.limit)
    more = found[-1].id if len(found) == query.limit else None
    return Audit(rows=tuple(AuditEntry.of(kept) for kept in found), before=more)
