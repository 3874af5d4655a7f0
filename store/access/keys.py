"""API keys. Each change adds a row to the audit log in the same transaction."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from domain.errors import UnknownSubject
from domain.keys import ApiKey, KeyWish, make_key
from domain.policy import Permission, Principal, Role
from store.access.audit import AuditRow, add_rows
from store.db.engine import Engine, reading, writing
from store.schema.access import api_keys

CREATED = "keys.create"
REVOKED = "keys.revoke"


def create_key(
    engine: Engine,
    wish: KeyWish,
    by: Principal,
    now: datetime,
    random: Callable[[int], bytes],
    request_id: str | None = None,
) -> tuple[ApiKey, str]:
    """Create a key. Returns it and its text, which is not stored. Raises InvalidKey, DatabaseUnavailable."""
    key, text = make_key(wish, now, by.id, random)
    with writing(engine) as connection:
        connection.execute(insert(api_keys).values(_values(key)))
        detail = {"name": key.name, "role": key.role.value, "tutor_id": key.tutor_id}
        _audit(connection, CREATED, key.id, by, now, request_id, detail)
    return key, text


def find_key(engine: Engine, key_id: str) -> ApiKey | None:
    """The key with this id; None for an unknown id. Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        row = connection.execute(select(api_keys).where(api_keys.c.id == key_id)).one_or_none()
    return _key(row) if row else None


def list_keys(engine: Engine) -> list[ApiKey]:
    """All keys, including revoked and expired ones, newest first. Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        rows = connection.execute(select(api_keys).order_by(api_keys.c.created_at.desc(), api_keys.c.id)).all()
    return [_key(row) for row in rows]


def revoke_key(engine: Engine, key_id: str, by: Principal, now: datetime, request_id: str | None = None) -> None:
    """Revoke a key; no change if it is revoked already.

    The table's trigger notifies every API process. Raises UnknownSubject, DatabaseUnavailable.
    """
    with writing(engine) as connection:
        alive = (api_keys.c.id == key_id) & api_keys.c.revoked_at.is_(None)
        if connection.execute(update(api_keys).where(alive).values(revoked_at=now)).rowcount:
            _audit(connection, REVOKED, key_id, by, now, request_id, None)
        elif connection.execute(select(api_keys.c.id).where(api_keys.c.id == key_id)).one_or_none() is None:
            raise UnknownSubject(f"there is no key {key_id!r}")


def mark_used(engine: Engine, key_id: str, now: datetime) -> None:
    """Store when a key was last used. Raises DatabaseUnavailable."""
    with writing(engine) as connection:
        connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(last_used_at=now))


def _audit(
    connection: Connection,
    action: str,
    key_id: str,
    by: Principal,
    now: datetime,
    request_id: str | None,
    detail: dict[str, Any] | None,
) -> None:
    add_rows(connection, [AuditRow(now, by.id, by.role, action, key_id, request_id, detail)])


def _values(key: ApiKey) -> dict[str, Any]:
    scopes = None if key.scopes is None else sorted(scope.value for scope in key.scopes)
    return {**vars(key), "role": key.role.value, "scopes": scopes}


def _key(row: Row[Any]) -> ApiKey:
    values = dict(row._mapping)
    scopes = None if row.scopes is None else frozenset(Permission(scope) for scope in row.scopes)
    return ApiKey(**{**values, "role": Role(row.role), "scopes": scopes})
