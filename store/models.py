"""The models that may serve: their bytes by hash, and a ledger of what served when, and why."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Select, insert, select
from sqlalchemy.dialects.postgresql import insert as insert_or

from domain.errors import ModelMismatch
from store.database import reading, writing
from store.tables import model_artifacts, model_ledger

CHAMPION = "champion"


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
    """One decision about a model."""

    name: str
    version: str
    sha256: str
    action: str
    actor: str
    reason: str
    at: datetime


def record_model(
    engine: Engine,
    name: str,
    version: str,
    model_bytes: bytes,
    sidecar: Mapping[str, Any],
    actor: str,
    reason: str,
    now: datetime,
) -> str:
    """Keep a model and make it the champion of its name, in one transaction. Returns the SHA-256 of its bytes."""
    sha256 = hashlib.sha256(model_bytes).hexdigest()
    artifact = insert_or(model_artifacts).values(sha256=sha256, model=model_bytes, created_at=now)
    entry = insert(model_ledger).values(
        name=name, version=version, sha256=sha256, sidecar=dict(sidecar), action=CHAMPION,
        actor=actor, reason=reason, at=now,
    )  # fmt: skip
    with writing(engine) as connection:
        connection.execute(artifact.on_conflict_do_nothing())
        connection.execute(entry)
    return sha256


def champion(engine: Engine, name: str) -> StoredModel | None:
    """The model of a name that serves now; None before the first.

    Raises ModelMismatch if its bytes are not those that were recorded.
    """
    newest = _newest(name).add_columns(model_ledger.c.sidecar, model_artifacts.c.model).join(model_artifacts)
    with reading(engine) as connection:
        row = connection.execute(newest).first()
    if row is None:
        return None
    model_bytes = bytes(row.model)
    if hashlib.sha256(model_bytes).hexdigest() != row.sha256:
        raise ModelMismatch(f"{name} {row.version}: its bytes are not those recorded as {row.sha256}. Train again.")
    return StoredModel(name, row.version, row.sha256, model_bytes, row.sidecar)


def champion_key(engine: Engine, name: str) -> tuple[str, str] | None:
    """Version and SHA-256 of the champion without its bytes, to see cheaply whether another serves now."""
    with reading(engine) as connection:
        row = connection.execute(_newest(name)).first()
    return (row.version, row.sha256) if row else None


def ledger(engine: Engine, name: str) -> list[LedgerEntry]:
    """Every decision about the models of a name, oldest first."""
    with reading(engine) as connection:
        return _entries(connection, name)


def _entries(connection: Connection, name: str) -> list[LedgerEntry]:
    columns = [model_ledger.c[field] for field in LedgerEntry.__dataclass_fields__]
    rows = connection.execute(select(*columns).where(model_ledger.c.name == name).order_by(model_ledger.c.id))
    return [LedgerEntry(*row) for row in rows]


def _newest(name: str) -> Select[Any]:
    return (
        select(model_ledger.c.version, model_ledger.c.sha256)
        .where(model_ledger.c.name == name, model_ledger.c.action == CHAMPION)
        .order_by(model_ledger.c.id.desc())
        .limit(1)
    )
