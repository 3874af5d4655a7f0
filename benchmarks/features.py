"""Rows a second of the feature engine against pandas, Polars and the bare sort of the same rows.

`python -m benchmarks.features [--sizes 100000,1000000,10000000] [--out FILE]`. Every contender starts from the same
tables of strings and times in memory and runs in a process of its own. "all columns" is ours with every column of the
no-show model; both libraries compute the same columns and must give equal values. "17 columns" is compared with the
sort.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from benchmarks.lines import Line, record
from benchmarks.marketplace import marketplace
from features import columns as c
from features.as_of.priors import Prior, Priors
from features.base.dataset import Dataset
from features.catalogue import NO_SHOW_FEATURES
from features.columns import Feature
from features.history.history import History
from features.partitions import compute_by_parts, partition

MEASURED = (
    c.no_shows_30d,
    c.no_shows_90d,
    c.no_shows_lifetime,
    c.no_show_rate,
    c.reschedules_7d,
    c.reschedules_30d,
    c.reschedules_90d,
    c.reschedule_rate_30d,
    c.silence_hours,
    c.weekday,
    c.hour,
    c.own_slot_no_show_rate,
    c.pair_sessions,
    c.pair_days_since_last,
    c.load_7d,
    c.tenure_days,
    c.days_since_last_session,
)
PRIORS = Priors.all_equal(Prior(rate=0.06, strength=20))
WORKERS = 2
CONTENDERS = ("all columns", "17 columns", "sort", "polars", "pandas")
OURS = CONTENDERS[:2]
BASELINES = ("polars", "pandas")
RUNS, RUNS_OF_LARGE, LARGE = 5, 3, 5_000_000
"""Runs behind a median; at sizes from LARGE on, fewer, and the baselines once."""

Columns = Mapping[str, np.ndarray]


def prepare(contender: str, tables: dict[str, pa.Table]) -> Callable[[], Columns]:
    """The timed part; reading the tables into the contender's own frames is excluded."""
    if contender in OURS:
        dataset, features = Dataset(tables), NO_SHOW_FEATURES if contender == "all columns" else MEASURED
        return lambda: _ours(dataset, features)
    if contender == "sort":
        sessions = History(Dataset(tables)).sessions
        return lambda: {"order": np.lexsort((sessions.known_at, sessions.tutor))}
    return _baseline(contender, tables)


def _ours(dataset: Dataset, features: Sequence[Feature]) -> Columns:
    matrix = compute_by_parts(features, partition(dataset), PRIORS, WORKERS)
    return {feature.name: matrix[:, i] for i, feature in enumerate(features)}


def _baseline(contender: str, tables: dict[str, pa.Table]) -> Callable[[], Columns]:
    from benchmarks import baselines_pandas, baselines_polars

    library = baselines_pandas if contender == "pandas" else baselines_polars
    frames = library.frames(tables)
    tables.clear()
    return lambda: library.compute(frames, PRIORS)


def work(contender: str, folder: Path, runs: int) -> dict[str, Any]:
    """Time one contender in this process, and keep its columns in the folder for comparison."""
    started = time.perf_counter()
    prepare(contender, dict(marketplace(1000).tables))()
    warm_up = time.perf_counter() - started
    run, timings = prepare(contender, _read(folder)), []
    found: Columns = {}
    for _ in range(runs):
        del found  # or two results would count as the peak of one
        wall, cpu = time.perf_counter(), time.process_time()
        found = run()
        timings.append((time.perf_counter() - wall, time.process_time() - cpu))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if contender not in ("sort", "17 columns"):
        for name, values in found.items():
            np.save(folder / f"{contender}.{name}.npy", np.asarray(values, dtype=np.float32))
    wall, cpu = (statistics.median(t[i] for t in timings) for i in (0, 1))
    return {"contender": contender, "wall": wall, "cpu": cpu, "peak_mb": peak, "warm_up": warm_up, "runs": runs}


def _read(folder: Path) -> dict[str, pa.Table]:
    return {path.stem: pa.ipc.open_file(str(path)).read_all() for path in folder.glob("*.arrow")}


def measure(n: int, folder: Path) -> list[dict[str, Any]]:
    """Every contender on a marketplace of n sessions. Raises AssertionError where values differ."""
    for kind, table in marketplace(n).tables.items():
        with pa.ipc.new_file(str(folder / f"{kind}.arrow"), table.schema) as file:
            file.write_table(table)
    results = []
    for contender in CONTENDERS:
        runs = RUNS if n < LARGE else 1 if contender in BASELINES else RUNS_OF_LARGE
        results.append(_in_a_process(contender, folder, runs) | {"sessions": n})
        if contender in BASELINES:
            _compare(contender, folder)
    return results


def _in_a_process(contender: str, folder: Path, runs: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.features", "--work", contender, str(folder), str(runs)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _compare(contender: str, folder: Path) -> None:
    for feature in NO_SHOW_FEATURES:
        ours, theirs = (np.load(folder / f"{who}.{feature.name}.npy") for who in ("all columns", contender))
        assert np.allclose(ours, theirs, rtol=1e-5, atol=1e-6, equal_nan=True), f"{contender} differs in {feature.name}"


def show(results: list[dict[str, Any]], console: Console) -> None:
    """One line per contender and size."""
    table = Table("sessions", "who", "wall s", "CPU s", "rows/s", "× wall", "× CPU", "peak MB", "runs")
    for r in results:
        ours = next(o for o in results if o["contender"] == "all columns" and o["sessions"] == r["sessions"])
        ratios = f"{r['wall'] / ours['wall']:.2f}", f"{r['cpu'] / ours['cpu']:.2f}"
        speed = f"{r['sessions'] / r['wall']:,.0f}"
        line = f"{r['sessions']:,}", r["contender"], f"{r['wall']:.2f}", f"{r['cpu']:.2f}", speed, *ratios
        table.add_row(*line, f"{r['peak_mb']:,.0f}", str(r["runs"]))
    console.print(table)
    warm_up = max(r["warm_up"] for r in results if r["contender"] == "all columns")
    console.print(f"{os.cpu_count()} cores. Not timed: our first call, with compilation or its cache, {warm_up:.1f} s")
    for words in growth(results):
        console.print(words)


def lines(results: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    """Lines of the benchmarks' table: against the faster library, and against the sort."""
    by_size: dict[int, dict[str, Mapping[str, Any]]] = {}
    for result in results:
        by_size.setdefault(result["sessions"], {})[result["contender"]] = result
    for size, of in by_size.items():
        peer = min(BASELINES, key=lambda name: float(of[name]["wall"]))
        ours, theirs = of["all columns"]["wall"], of[peer]["wall"]
        yield Line(f"features, {size:,} sessions, all columns: wall time", ours, "s", theirs, peer, theirs / ours, 5)
        cpu, sort = of["17 columns"]["cpu"], of["sort"]["cpu"]
        name = f"features, {size:,} sessions: CPU of 17 columns by CPU of the sort"
        yield Line(name, cpu, "s", sort, "sort", cpu / sort, 5, at_least=False)


def growth(results: list[dict[str, Any]]) -> list[str]:
    """Growth of our cost and of the sort's from each size to the next."""
    cpu = {(r["contender"], r["sessions"]): r["cpu"] for r in results}
    sizes = sorted({r["sessions"] for r in results})
    lines = []
    for small, large in pairwise(sizes):
        ours, sort = (cpu[who, large] / cpu[who, small] for who in ("17 columns", "sort"))
        lines.append(f"CPU from {small:,} to {large:,} sessions: 17 columns × {ours:.1f}, the sort × {sort:.1f}")
    return lines


def main() -> None:
    """Measure, print one table, and write the numbers as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="100000,1000000,10000000")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--work", nargs=3, metavar=("CONTENDER", "FOLDER", "RUNS"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.work:
        contender, folder, runs = asked.work
        print(json.dumps(work(contender, Path(folder), int(runs))))
        return
    results = []
    for size in map(int, asked.sizes.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            results += measure(size, Path(folder))
    show(results, Console(width=100))
    record(lines(results))
    if asked.out:
        asked.out.write_text(json.dumps({"results": results, "growth": growth(results)}, indent=2))


if __name__ == "__main__":
    main()
