"""Models: artifacts by hash, and a ledger of the actions on each version with their reasons."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, Select, insert, select
from sqlalchemy.dialects.postgresql import insert as insert_or

from domain.errors import ModelMismatch, UnknownVersion
from domain.promotion import SERVES, Action
from domain.promotion import challenger as challenger_of
from store.db.engine import reading, writing
from store.schema.tables import model_artifacts, model_ledger


@dataclass(frozen=True)
class StoredModel:
    """A model as data: its bytes, their SHA-256 in hex, and the sidecar with columns, calibrator and thresholds."""

    name: str
    version: str
    sha256: str
    model_bytes: bytes
    sidecar: Mapping[str, Any]


@dataclass(frozen=True)
class LedgerEntry:
    """An action on a version, with actor, reason and moment; `decision` is the gate's, if it decided."""

    name: str
    version: str
    sha256: str
    action: Action
    actor: str
    reason: str
    at: datetime
    decision: Mapping[str, Any] | None
    forced: bool


def record_model(
    engine: Engine,
    name: str,
    version: str,
    model_bytes: bytes,
    sidecar: Mapping[str, Any],
    actor: str,
    reason: str,
    now: datetime,
    action: Action = Action.CHAMPION,
    decision: Mapping[str, Any] | None = None,
    card: str | None = None,
) -> str:
    """Store a model as a candidate and record the action on it, in one transaction. Returns its bytes' SHA-256.

    Raises ModelMismatch if the ledger already has a training of this version.
    """
    sha256 = hashlib.sha256(model_bytes).hexdigest()
    artifact = insert_or(model_artifacts).values(sha256=sha256, model=model_bytes, created_at=now)
    entry = {"name": name, "version": version, "sha256": sha256, "sidecar": dict(sidecar), "actor": actor, "at": now}
    candidate = entry | {"action": Action.CANDIDATE, "reason": "trained", "card": card}
    outcome = entry | {"action": action, "reason": reason, "decision": _plain(decision)}
    with writing(engine) as connection:
        connection.execute(artifact.on_conflict_do_nothing())
        if not connection.execute(insert_or(model_ledger).values(candidate).on_conflict_do_nothing()).rowcount:
            raise ModelMismatch(f"{version}: the ledger has another training of this version. Train again.")
        connection.execute(insert(model_ledger).values(outcome))
    return sha256


def record_action(
    engine: Engine,
    name: str,
    version: str,
    action: Action,
    actor: str,
    reason: str,
    now: datetime,
    decision: Mapping[str, Any] | None = None,
    forced: bool = False,
) -> None:
    """Record an action on a version of the ledger. Raises UnknownVersion."""
    with writing(engine) as connection:
        known = connection.execute(_of_version(name, version)).first()
        if known is None:
            raise UnknownVersion(f"{name} has no version {version!r}. `tqs models list` lists the versions.")
        entry = insert(model_ledger).values(
            name=name, version=version, sha256=known.sha256, sidecar=known.sidecar, action=action,
            actor=actor, reason=reason, at=now, decision=_plain(decision), forced=forced,
        )  # fmt: skip
        connection.execute(entry)


def champion(engine: Engine, name: str) -> StoredModel | None:
    """The current champion of a task; None before the first.

    Raises ModelMismatch if its bytes are not those that were recorded.
    """
    with reading(engine) as connection:
        return _stored(name, connection.execute(_with_bytes(_newest(name))).first())


def challenger(engine: Engine, name: str) -> StoredModel | None:
    """The current challenger of a task; None if there is none. Raises ModelMismatch."""
    with reading(engine) as connection:
        version = challenger_of(_record(connection, name))
        if version is None:
            return None
        return _stored(name, connection.execute(_with_bytes(_of_version(name, version))).first())


def champion_key(engine: Engine, name: str) -> tuple[str, str] | None:
    """Version and SHA-256 of the champion without its bytes: a cheap check for a new champion."""
    with reading(engine) as connection:
        row = connection.execute(_newest(name)).first()
    return (row.version, row.sha256) if row else None


def record(engine: Engine, name: str) -> list[tuple[Action, str]]:
    """Actions and versions of a task, oldest first."""
    with reading(engine) as connection:
        return _record(connection, name)


def ledger(engine: Engine, name: str) -> list[LedgerEntry]:
    """All entries of a task, oldest first."""
    columns = [model_ledger.c[field] for field in LedgerEntry.__dataclass_fields__]
    query = select(*columns).where(model_ledger.c.name == name).order_by(model_ledger.c.id)
    with reading(engine) as connection:
        return [LedgerEntry(**{**row._mapping, "action": Action(row.action)}) for row in connection.execute(query)]


def card(engine: Engine, name: str, version: str) -> str | None:
    """The model card of a version in Markdown; None without one. Raises UnknownVersion."""
    newest = select(model_ledger.c.card).where(*_is(name, version)).order_by(model_ledger.c.card.is_(None)).limit(1)
    with reading(engine) as connection:
        row = connection.execute(newest).first()
    if row is None:
        raise UnknownVersion(f"{name} has no version {version!r}. `tqs models list` lists the versions.")
    return str(row.card) if row.card else None


def _record(connection: Connection, name: str) -> list[tuple[Action, str]]:
    columns = select(model_ledger.c.action, model_ledger.c.version)
    rows = connection.execute(columns.where(model_ledger.c.name == name).order_by(model_ledger.c.id))
    return [(Action(row.action), row.version) for row in rows]


def _newest(name: str) -> Select[Any]:
    return _entries(model_ledger.c.name == name, model_ledger.c.action.in_(sorted(SERVES)))


def _of_version(name: str, version: str) -> Select[Any]:
    return _entries(*_is(name, version)).add_columns(model_ledger.c.sidecar)


def _is(name: str, version: str) -> tuple[ColumnElement[bool], ...]:
    return model_ledger.c.name == name, model_ledger.c.version == version


def _entries(*conditions: ColumnElement[bool]) -> Select[Any]:
    columns = select(model_ledger.c.version, model_ledger.c.sha256)
    return columns.where(*conditions).order_by(model_ledger.c.id.desc()).limit(1)


def _with_bytes(query: Select[Any]) -> Select[Any]:
    return query.with_only_columns(
        model_ledger.c.version, model_ledger.c.sha256, model_ledger.c.sidecar, model_artifacts.c.model
    ).join(model_artifacts)


def _stored(name: str, row: Row[Any] | None) -> StoredModel | None:
    if row is None:
        return None
    model_bytes = bytes(row.model)
    if hashlib.sha256(model_bytes).hexdigest() != row.sha256:
        raise ModelMismatch(f"{name} {row.version}: its bytes are not those recorded as {row.sha256}. Train again.")
    return StoredModel(name, row.version, row.sha256, model_bytes, row.sidecar)


def _plain(decision: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if decision is None else dict(decision)
