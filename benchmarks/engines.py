"""Feature columns of 1 million sessions in one pass, with threads and with Dask: seconds, and bitwise equality.

`python -m benchmarks.engines [--sessions N]`. One tutor has 30,000 of them. Starting workers is
shown apart.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from benchmarks.lines import Line, record
from benchmarks.marketplace import marketplace
from features.base.dataset import Dataset
from gateways.settings import load_settings
from jobs.compute_engines import Threads, open_engine
from jobs.part_tables import feature_table

BUSY = 30_000
RUNS = 2


def with_a_busy_tutor(dataset: Dataset) -> Dataset:
    """The first 30,000 sessions all given to one tutor."""
    sessions = dataset.tables["sessions"]
    tutors = np.array(sessions["tutor_id"].to_pylist(), dtype=object)
    tutors[:BUSY] = tutors[0]
    place = sessions.schema.get_field_index("tutor_id")
    busy = sessions.set_column(place, "tutor_id", pa.array(tutors, pa.string()))
    return replace(dataset, tables={**dataset.tables, "sessions": busy})


def main() -> None:
    """Measure each engine, and compare its table with the one-pass table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=1_000_000)
    dataset = with_a_busy_tutor(marketplace(parser.parse_args().sessions))
    as_of = datetime(2030, 1, 1, tzinfo=UTC)
    warm = marketplace(1000)
    feature_table(warm, as_of, Threads(1), 1)
    began = time.perf_counter()
    expected = feature_table(dataset, as_of, Threads(1), 1)
    table = Table(
        "engine", "workers", "start s", "first run s", "later run s", "× one pass", title=f"{expected.num_rows:,} rows"
    )
    one, lines = time.perf_counter() - began, list[Line]()
    table.add_row("one pass", "1", "", f"{one:.2f}", "", "1.0")
    for name in ("threads", "dask"):
        for workers in (1, 2):
            with tempfile.TemporaryDirectory() as folder:
                environ = {"TQS_ENGINE": name, "TQS_WORKERS": str(workers), "TQS_DATA_DIR": str(Path(folder))}
                began = time.perf_counter()
                with open_engine(load_settings(environ)) as engine:
                    start, runs = time.perf_counter() - began, []
                    for _ in range(RUNS):
                        began = time.perf_counter()
                        found = feature_table(dataset, as_of, engine)
                        runs.append(time.perf_counter() - began)
                        assert found.equals(expected) or _same(found, expected), f"{name}, {workers}: values differ"
            lines.append(Line(f"engine {name}, {workers} workers", runs[-1], "s", one, "one pass", one / runs[-1]))
            table.add_row(name, str(workers), f"{start:.1f}", *(f"{r:.2f}" for r in runs), f"{one / runs[-1]:.1f}")
    Console(width=100).print(table)
    record(lines)


def _same(found: pa.Table, expected: pa.Table) -> bool:
    """Equal to the bit, where a missing value equals a missing value."""
    return found.column_names == expected.column_names and all(
        np.array_equal(found[n].to_numpy(), expected[n].to_numpy(), equal_nan=found[n].type == pa.float32())
        for n in found.column_names
    )


if __name__ == "__main__":
    main()
