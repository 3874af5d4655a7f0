"""Keep the columns of finished sessions as Parquet: what drift is measured on, and what a person can open."""

import os
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from features.catalogue import NO_SHOW_FEATURES
from features.history import History
from features.priors import estimate_priors
from flows import standalone
from flows.runtime import Runtime, moment, open_runtime
from flows.score import load
from gateways.clock import utc_now
from models import matrix
from models.dataset import no_show_rows
from models.scoring import microseconds_of

FILE = "no_show.parquet"


def feature_table(history: History, as_of: datetime) -> pa.Table:
    """One row a session whose outcome was known at `as_of`: its id, moment, label and every column."""
    before = microseconds_of(as_of)
    rows = no_show_rows(history)
    rows = rows.where(rows.known_at < before)
    priors = estimate_priors(history, before)
    columns = matrix.build(NO_SHOW_FEATURES, [], history, rows.queries, priors)
    names = [f.name for f in NO_SHOW_FEATURES]
    ids = history.dataset.tables["sessions"]["session_id"].take(pa.array(rows.subject))
    return pa.table(
        {
            "session_id": ids,
            "as_of": pa.array(rows.queries.as_of, pa.timestamp("us", tz="UTC")),
            "missed": rows.label.astype(np.int8),
        }
        | {name: columns[:, i] for i, name in enumerate(names)}
    )


@task(timeout_seconds=300, cache_policy=NO_CACHE)
def save(runtime: Runtime, table: pa.Table) -> Path:
    """Write the table beside the old one, then take its place."""
    runtime.features.mkdir(parents=True, exist_ok=True)
    target = runtime.features / FILE
    pq.write_table(table, target.with_suffix(".new"), compression="zstd")
    target.with_suffix(".new").replace(target)
    return target


@flow(name="build_features", log_prints=True, timeout_seconds=1800)
def build_features(as_of: str | None = None) -> int:
    """Build the columns of every session finished by a moment (ISO 8601; now by default). Gives the rows."""
    with open_runtime(os.environ) as runtime:
        table = feature_table(load(runtime), moment(as_of, utc_now()))
        save(runtime, table)
    print(f"{table.num_rows} rows, {table.num_columns} columns")
    return int(table.num_rows)


if __name__ == "__main__":
    standalone.main(build_features)
