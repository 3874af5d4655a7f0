"""Tuned parameters: never deleted; later trainings use the newest."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Double,
    Engine,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    insert,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from store.db.engine import reading, writing
from store.schema.tables import metadata

tuned_params = Table(
    "tuned_params",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("task", Text, nullable=False),
    Column("params", JSONB, nullable=False),
    Column("loss", Double, nullable=False),
    Column("start_loss", Double),
    Column("trials", Integer, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("study", Text, nullable=False),
    Column("data_fingerprint", Text, nullable=False),
    Column("features_sha256", Text, nullable=False),
    Column("known_before", DateTime(timezone=True), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("ix_tuned_params_latest", "task", "id"),
)


@dataclass(frozen=True)
class TunedParams:
    """Result of a search for a task: XGBoost's parameters, including the largest number of rounds.

    `loss` is the held-out log loss, `start_loss` that of the defaults. The search used only data known before
    `known_before`.
    """

    task: str
    params: Mapping[str, float | int | str]
    loss: float
    start_loss: float | None
    trials: int
    seconds: float
    study: str
    data_fingerprint: str
    features_sha256: str
    known_before: datetime
    at: datetime


def record_tuned(engine: Engine, result: TunedParams) -> None:
    """Store the result of a search. Raises DatabaseUnavailable."""
    with writing(engine) as connection:
        connection.execute(insert(tuned_params).values(asdict(result)))


def newest_tuned(engine: Engine, task: str, known_before: datetime) -> TunedParams | None:
    """The newest parameters of a task whose search used no data from a moment on; None if there are none.

    A training passes its cut, since parameters chosen on its held-out rows would bias its evaluation. Raises
    DatabaseUnavailable.
    """
    columns = [tuned_params.c[name] for name in TunedParams.__dataclass_fields__]
    of_task = (tuned_params.c.task == task, tuned_params.c.known_before <= known_before)
    query = select(*columns).where(*of_task).order_by(tuned_params.c.id.desc()).limit(1)
    with reading(engine) as connection:
        row = connection.execute(query).first()
    return TunedParams(**row._mapping) if row else None
