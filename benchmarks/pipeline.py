"""Seconds and peak memory of simulate, check, bulk load, read, train and score at the size of the demo.

`python -m benchmarks.pipeline [--out FILE]`. Each step runs three times in a process of its own, on files of the step
before; the ratio is to the time of writing and reading the same rows as plain Parquet in the same run.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.lines import Line, record

REPEATS = 3


def yardstick(folder: Path) -> None:
    """Read and write all tables as Parquet."""
    import pyarrow.parquet as pq

    from domain.schema import KINDS

    for kind in KINDS:
        pq.write_table(pq.read_table(folder / f"{kind}.parquet"), folder / f"{kind}.copy")


def simulate(folder: Path) -> None:
    """A marketplace of the demo's size, written."""
    from simulator.files import write
    from simulator.marketplace import simulate as run
    from simulator.settings import MarketSettings

    write(run(MarketSettings()), folder)


def check(folder: Path) -> None:
    """Read every file and check every row."""
    from importing import read_dataset

    read_dataset(folder / "dataset.yaml")


def bulk_load(folder: Path) -> None:
    """Check, and load into an empty embedded PostgreSQL."""
    from gateways.embedded_postgres.databases import empty_database
    from gateways.embedded_postgres.server import EmbeddedServer
    from importing import read_dataset
    from store.db.engine import make_engine, upgrade
    from store.facts.load import load

    with EmbeddedServer(folder / "server") as url:
        engine = make_engine(empty_database(url, "tqs"))
        upgrade(engine)
        load(engine, read_dataset(folder / "dataset.yaml").dataset)
        engine.dispose()


def train(folder: Path) -> None:
    """Both models with all figures and intervals, from files."""
    from domain.vocabulary import Task
    from features.history.history import History
    from flows.train import train_one
    from importing import read_dataset

    history = History(read_dataset(folder / "dataset.yaml").dataset)
    for name in Task:
        model = train_one(name, history, 0, None).model
        (folder / f"{name}.ubj").write_bytes(model.ubj)
        (folder / f"{name}.json").write_text(model.sidecar.model_dump_json())


def score(folder: Path) -> None:
    """Every active tutor and every session of the next 48 hours, with reasons, from files."""
    from domain.vocabulary import Task
    from features.history.history import History
    from importing import read_dataset
    from jobs.scoring import all_scores
    from models.artifact.champion import Champion
    from models.artifact.model import Model, Sidecar
    from simulator.settings import DEFAULT_END

    history = History(read_dataset(folder / "dataset.yaml").dataset)
    champions: dict[Task, Champion | None] = {}
    for name in Task:
        sidecar = Sidecar.model_validate_json((folder / f"{name}.json").read_text())
        champions[name] = Champion(Model((folder / f"{name}.ubj").read_bytes(), sidecar), "benchmark")
    all_scores(history, champions, DEFAULT_END)


STEPS: Mapping[str, Callable[[Path], None]] = {
    step.__name__: step for step in (simulate, yardstick, check, bulk_load, train, score)
}


def work(name: str, folder: Path) -> None:
    """One step in this process: prints its seconds and peak memory."""
    began = time.perf_counter()
    STEPS[name](folder)
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3}))


def measure(name: str, folder: Path) -> dict[str, float]:
    """Medians of three runs, each in a fresh process; imports count, as they do for a person."""
    command = [sys.executable, "-m", "benchmarks.pipeline", "--work", name, "--folder", str(folder)]
    runs = [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
        for _ in range(REPEATS)
    ]
    return {key: statistics.median(run[key] for run in runs) for key in ("seconds", "peak_mb")}


def main(out: Path | None) -> None:
    """Measure every step and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        found = {name: measure(name, Path(folder)) for name in STEPS}
    unit = found["yardstick"]["seconds"]
    table = Table("step", "seconds", "x yardstick", "peak MB", title="Demo size: 540,000 sessions, medians of 3")
    for name, result in found.items():
        table.add_row(name, f"{result['seconds']:.1f}", f"{result['seconds'] / unit:.1f}", f"{result['peak_mb']:.0f}")
    Console(width=100).print(table)
    record(
        Line(f"demo's {name}", result["seconds"], "s", unit, "Parquet written and read", result["seconds"] / unit)
        for name, result in found.items()
        if name != "yardstick"
    )
    if out:
        out.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--work", choices=STEPS)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    if arguments.work:
        work(arguments.work, arguments.folder)
    else:
        main(arguments.out)
