"""Flow `build_features`: snapshot of the columns of finished sessions as Parquet, for drift and for people."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from prefect import flow
from prefect.cache_policies import NO_CACHE

from flows import standalone
from flows.recorded import recorded
from flows.score import load
from flows.tasks import task
from gateways.clock import utc_now
from jobs.compute_engines import open_engine
from jobs.part_tables import feature_table
from jobs.runtime import Runtime, moment, open_runtime

FILE = "no_show.parquet"


@task(timeout_seconds=300, cache_policy=NO_CACHE)
def save(runtime: Runtime, table: pa.Table) -> Path:
    """Write the table and replace the old one atomically."""
    runtime.features.mkdir(parents=True, exist_ok=True)
    target = runtime.features / FILE
    pq.write_table(table, target.with_suffix(".new"), compression="zstd")
    target.with_suffix(".new").replace(target)
    return target


@flow(name="build_features", log_prints=True, timeout_seconds=1800)
@recorded
def build_features(as_of: str | None = None) -> int:
    """Build the columns of sessions finished by a moment (ISO 8601; now by default). Returns the number of rows."""
    with open_runtime(os.environ) as runtime, open_engine(runtime.settings) as engine:
        table = feature_table(load(runtime).dataset, moment(as_of, utc_now()), engine)
        save(runtime, table)
    print(f"{table.num_rows} rows, {table.num_columns} columns")
    return int(table.num_rows)


if __name__ == "__main__":
    standalone.main(build_features)
