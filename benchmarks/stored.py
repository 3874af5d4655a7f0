"""A database with tutors who have a long past, and a champion for it: what the speed of predictions is measured on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.marketplace import DAY, DAYS, marketplace
from domain.vocabulary import SessionStatus, Task
from features.as_of.prior_estimation import estimate_priors
from features.base.array_types import Matrix
from features.base.dataset import Dataset
from features.history.history import History
from gateways.embedded_postgres.databases import empty_database
from gateways.embedded_postgres.server import EmbeddedServer
from models.artifact.matrix import build, features_of
from models.artifact.model import Model, seal
from models.examples.rows import no_show_rows
from models.learners.boosting import Shape, boost
from models.learners.calibration import Calibration
from models.train.fitting import DEFAULT_PARAMS
from store.db.engine import make_engine, upgrade
from store.facts.load import load
from store.ledger.models import record_model

MOST_LEARNT = 20_000


@dataclass(frozen=True)
class Stored:
    """A loaded database, its dataset, the no-show champion in it and rows of the matrix it reads (rows, columns)."""

    url: str
    dataset: Dataset
    model: Model
    matrix: Matrix
    now: datetime

    def booked(self) -> list[str]:
        """Ids of the sessions that start in more than an hour."""
        sessions = self.dataset.tables["sessions"]
        later = pc.greater(sessions["starts_at"], pa.scalar(self.now + timedelta(hours=1), sessions["starts_at"].type))
        is_booked = pc.equal(sessions["status"], SessionStatus.BOOKED.value)
        ids: list[str] = sessions.filter(pc.and_(later, is_booked))["session_id"].to_pylist()
        return ids

    def tutor_of(self) -> dict[str, str]:
        """The tutor of each session, by id."""
        sessions = self.dataset.tables["sessions"]
        return dict(zip(sessions["session_id"].to_pylist(), sessions["tutor_id"].to_pylist(), strict=True))


@contextmanager
def stored(folder: Path, tutors: int, sessions_a_tutor: int, trees: int) -> Iterator[Stored]:
    """A new embedded database of so many tutors with so many sessions each in the last 180 days, and a champion."""
    now = datetime.now(UTC)
    begin = round(now.timestamp() * 1e6) - DAYS * DAY
    dataset = _storable(marketplace(tutors * sessions_a_tutor, 0, begin, sessions_a_tutor))
    model, matrix = no_show_model(dataset, trees)
    with database(folder, dataset, model, now) as address:
        yield Stored(address, dataset, model, matrix, now)


@contextmanager
def database(folder: Path, dataset: Dataset, model: Model, now: datetime) -> Iterator[str]:
    """The address of a new embedded database that holds a dataset, and a no-show champion since `now`."""
    with EmbeddedServer(folder) as url:
        engine = make_engine(empty_database(url, "benchmark"))
        upgrade(engine)
        load(engine, dataset)
        sidecar = model.sidecar.model_dump(mode="json")
        record_model(engine, Task.NO_SHOW, "1", model.ubj, sidecar, actor="benchmark", reason="first", now=now)
        address = engine.url.render_as_string(hide_password=False)
        engine.dispose()
        yield address


def no_show_model(dataset: Dataset, trees: int) -> tuple[Model, Matrix]:
    """A no-show model of so many trees on the line, as training makes it, and rows of the matrix it was fitted to."""
    history = History(dataset)
    rows = no_show_rows(history)
    some = rows.where(np.arange(len(rows)) < MOST_LEARNT)
    features = features_of(Task.NO_SHOW)
    priors = estimate_priors(history, int(some.queries.as_of.max()))
    matrix = build(features, (), history, some.queries, priors)
    shape = Shape([f.monotone for f in features])
    fitted = boost(matrix, some.label, DEFAULT_PARAMS[Task.NO_SHOW] | {"rounds": trees, "seed": 0}, shape)
    sidecar = {
        "task": Task.NO_SHOW,
        "features": tuple(f.name for f in features),
        "attributes": (),
        "priors": priors,
        "calibration": Calibration(var_slope=0.01, var_intercept=0.01),
        "base_rate": float(some.label.mean()),
        "typical": tuple(np.nan_to_num(np.nanmedian(matrix, axis=0)).tolist()),
        "known_before": datetime.now(UTC),
        "data_fingerprint": "benchmark",
    }
    return seal(fitted.booster, linear=fitted.linear, **sidecar), matrix


def _storable(dataset: Dataset) -> Dataset:
    """The same with what a database asks for and no column reads."""
    tables = dict(dataset.tables)
    for kind, key in (("reschedules", "reschedule_id"), ("messages", "message_id")):
        ids = pc.cast(pa.array(np.arange(tables[kind].num_rows)), pa.string())
        tables[kind] = _with(tables[kind], key, ids)
    moves = tables["reschedules"]
    tables["reschedules"] = _with(moves, "new_starts_at", moves["old_starts_at"])
    tables["messages"] = _with(tables["messages"], "recipient", tables["messages"]["sender"])
    return replace(dataset, tables=tables)


def _with(table: pa.Table, name: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), table.schema.field(name), values)
