"""One million sessions, every column: from a dataset's files to a champion, then explanations and batch scores.

`python -m benchmarks.scale_training [--sessions N] [--budget S] [--out FILE]`. The marketplace is simulated and written
first, unmeasured; then one fresh process does the rest with both cores, and its peak memory is told.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.lines import Line, record
from benchmarks.tuning import SEED
from domain.vocabulary import Task
from features.history.history import History
from models.artifact.model import Model

EXPLAINED, SCORED = 100_000, 1_000_000
TUTORS, DAYS = 2_200, 450


class Timer:
    """Seconds by step, in order."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time the block."""
        began = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - began
        print(f"{name}: {self.seconds[name]:.1f} s", file=sys.stderr)


def prepare(folder: Path, sessions: int) -> None:
    """Write a simulated marketplace of about so many sessions."""
    from simulator.files import write
    from simulator.marketplace import simulate
    from simulator.settings import MarketSettings

    write(simulate(MarketSettings(tutors=TUTORS, days=DAYS, sessions_per_day=sessions // DAYS)), folder)


def champion(history: History, budget: float, folder: Path, timer: Timer) -> tuple[Model, str]:
    """Tune, train, register, apply the gate and record; returns the model and the result."""
    from flows.train import request_of, train_one
    from flows.tune import Search, run_search
    from gateways.clock import utc_now
    from gateways.embedded_postgres.databases import create_database
    from jobs.promotion import save
    from jobs.runtime import open_runtime
    from models.train.folds import tuning_data

    with open_runtime({**os.environ, "TQS_DATA_DIR": str(folder / "data"), "DATABASE_URL": ""}) as runtime:
        studies = create_database(runtime.engine.url.render_as_string(hide_password=False), "optuna")
        with timer.step("features for tuning"):
            problem = tuning_data(request_of(Task.NO_SHOW, history, SEED))
        with timer.step(f"tuning, {budget:.0f} s asked"):
            tuned = run_search(problem, studies, Search(budget, SEED, 1, "benchmark"))
        print(f"{len(tuned.trials)} trials", file=sys.stderr)
        with timer.step("train, evaluate, refit"):
            training = train_one(Task.NO_SHOW, history, SEED, None, tuned.params)
        with timer.step("register, gate, ledger"):
            promoted = save(runtime, training, history, SEED, utc_now())
    return training.model, promoted.words


def work(folder: Path, budget: float) -> None:
    """Run all measurements in this process; prints one JSON object."""
    from importing import read_dataset

    timer, began = Timer(), time.perf_counter()
    with timer.step("read and check the files"):
        history = History(read_dataset(folder / "dataset.yaml").dataset)
    model, words = champion(history, budget, folder, timer)
    timer.seconds["dataset to champion"] = time.perf_counter() - began
    to_champion = _peak()
    use(model, history, timer)
    found = {"sessions": len(history.sessions.tutor), "words": words, "seconds": timer.seconds}
    print(json.dumps(found | {"peak_mb_to_champion": to_champion, "peak_mb": _peak()}))


def use(model: Model, history: History, timer: Timer) -> None:
    """Explain and score the dataset, with rows repeated if there are too few."""
    from models.artifact.matrix import matrix_of, query_rows
    from models.examples.rows import no_show_rows
    from models.explain.explanation import explain
    from models.explain.own_numbers import own_numbers

    queries = no_show_rows(history).queries
    many = queries.at(np.arange(SCORED) % len(queries))
    with timer.step(f"score {SCORED:,} rows, features included"):
        model.chances(model.margins(matrix_of(model.sidecar, history, many)))
    few = query_rows(model.sidecar, history, many.at(np.arange(EXPLAINED)))
    with timer.step(f"contributions of {EXPLAINED:,} rows"):
        contributions = model.contributions(few.matrix)
    with timer.step(f"reasons in words for {EXPLAINED:,} rows, given these"):
        explain(model, few.matrix, own_numbers(model.sidecar, few.past), contributions)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def main(sessions: int, budget: float, out: Path | None) -> None:
    """Prepare, measure in a fresh process, and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o711)  # the embedded server's account must be able to enter
        prepare(Path(folder), sessions)
        command = [sys.executable, "-m", "benchmarks.scale_training", "--work", folder, "--budget", str(budget)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    title = f"{found['sessions']:,} sessions. {found['words']}"
    table = Table("step", "seconds", title=title)
    for name, seconds in found["seconds"].items():
        table.add_row(name, f"{seconds:.1f}")
    table.add_row("peak MB, dataset to champion", f"{found['peak_mb_to_champion']:.0f}")
    table.add_row("peak MB, all", f"{found['peak_mb']:.0f}")
    Console(width=120).print(table)
    size = f"{found['sessions']:,} sessions"
    record(
        [
            Line(f"{size}: files to champion", found["seconds"]["dataset to champion"], "s"),
            Line(f"{size}: peak memory to the champion", found["peak_mb_to_champion"], "MB"),
        ]
    )
    if out:
        out.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=1_000_000)
    parser.add_argument("--budget", type=float, default=60)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--work", type=Path)
    arguments = parser.parse_args()
    if arguments.work:
        work(arguments.work, arguments.budget)
    else:
        main(arguments.sessions, arguments.budget, arguments.out)
