"""Predictions from columns in the body, a second: ours through BentoML against the same trees served by others.

`python -m benchmarks.serving [--trees 300] [--rounds 5] [--seconds 4] [--out FILE]`. Every server is one worker process
on one core and the load another, 8 connections that ask again once answered. All servers run at the same time and are
asked in turns, so what disturbs the machine disturbs all; the figures are medians over the rounds. Every contender is
first asked the same rows and must give the same values; ours checks the key, counts the request, reads the columns by
name and gives interval, band and version, the others give the bare number.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import mlflow
import numpy as np
import xgboost as xgb
from rich.console import Console
from rich.table import Table

from benchmarks.load import SERVER_CORE, request, saturate
from benchmarks.servers import pin, server, service
from benchmarks.stored import stored
from domain.vocabulary import Task
from features.base.array_types import Matrix
from gateways.ports import free_port
from models.artifact.model import Model, seal
from models.learners.calibration import Calibration
from store.db.engine import make_engine
from store.ledger.models import record_model

KEY = "a-key-for-the-benchmark"
ROWS = 200
CONNECTIONS = 8


@dataclass(frozen=True)
class Contender:
    """A ready server, its request for a row, and the position of the probability in its response."""

    name: str
    address: str
    path: str
    bodies: Sequence[Any]
    value: tuple[str | int, ...]

    def requests(self) -> list[bytes]:
        """Each row as the bytes that are sent."""
        headers = {"Authorization": f"Bearer {KEY}"}
        return [request("POST", self.path, body, headers) for body in self.bodies]

    def values(self) -> list[float]:
        """The probability of each row, asked one by one."""
        with httpx.Client(base_url=self.address, headers={"Authorization": f"Bearer {KEY}"}, timeout=30) as client:
            return [self._dig(client.post(self.path, json=body).raise_for_status().json()) for body in self.bodies]

    def _dig(self, found: Any) -> float:
        for key in self.value:
            found = found[key]
        return float(found)


@contextmanager
def contenders(folder: Path, trees: int) -> Iterator[list[Contender]]:
    """All servers, ready, with the same trees."""
    with ExitStack() as stack:
        pin()
        made = stack.enter_context(stored(folder, tutors=20, sessions_a_tutor=500, trees=1))
        model = _bare_trees(made.model, made.matrix, trees)
        engine = make_engine(made.url)
        sidecar = model.sidecar.model_dump(mode="json")
        record_model(engine, Task.NO_SHOW, "2", model.ubj, sidecar, actor="benchmark", reason="bare", now=made.now)
        engine.dispose()
        rows = np.nan_to_num(made.matrix[:ROWS]).tolist()  # only our server and the bare one accept null
        yield [*_ours(stack, folder, made.url, model, rows), *_others(stack, folder, model, rows)]


def _bare_trees(model: Model, matrix: Matrix, trees: int) -> Model:
    """Trees alone, without the line and the calibration that only ours has, so that all give the same number."""
    labels = (np.arange(len(matrix)) * 7919 % 13 == 0) | (np.nan_to_num(matrix[:, 0]) > 2)
    booster = xgb.train(
        {"objective": "binary:logistic", "max_depth": 5, "eta": 0.05}, xgb.DMatrix(matrix, labels), trees
    )
    kept = model.sidecar.model_dump(exclude={"model_sha256", "linear", "calibration"})
    return seal(booster, **kept, calibration=Calibration(var_slope=0.01, var_intercept=0.01))


def _ours(stack: ExitStack, folder: Path, url: str, model: Model, rows: Sequence[Any]) -> Iterator[Contender]:
    bodies = [{"features": dict(zip(model.sidecar.columns, row, strict=True))} for row in rows]
    asked = "/api/predict/no_show", bodies, ("score", "value")
    settings = {"TQS_API_KEY": KEY, "TQS_RATE_LIMIT": "999999/second"}
    yield Contender("ours", stack.enter_context(service(url, folder, SERVER_CORE, **settings)), *asked)
    port = free_port("127.0.0.1")
    environ = _environ(folder) | settings | {"DATABASE_URL": url, "TQS_DATA_DIR": str(folder)}
    command = _bento("benchmarks.mounted:Mounted", port)
    yield Contender("ours, mounted", _started(stack, command, environ, port, "/api/ready", folder), *asked)


def _others(stack: ExitStack, folder: Path, model: Model, rows: Sequence[Any]) -> Iterator[Contender]:
    names, environ = list(model.sidecar.columns), _environ(folder)
    (folder / "trees.ubj").write_bytes(model.ubj)
    (folder / "columns.json").write_text(json.dumps(names))
    by_name = [dict(zip(names, row, strict=True)) for row in rows]
    port = free_port("127.0.0.1")
    bare = [sys.executable, "-m", "uvicorn", "benchmarks.contenders:bare", "--factory", "--no-access-log"]
    address = _started(stack, [*bare, "--port", str(port)], environ, port, "/ready", folder)
    yield Contender("FastAPI on uvicorn", address, "/predict", by_name, ("value",))
    port = free_port("127.0.0.1")
    address = _started(stack, _mlflow(model, folder, port), environ, port, "/ping", folder)
    frames = [{"dataframe_split": {"columns": names, "data": [row]}} for row in rows]
    yield Contender("mlflow models serve", address, "/invocations", frames, ("predictions", 0))
    port = free_port("127.0.0.1")
    address = _started(stack, _bento("benchmarks.contenders:Json", port), environ, port, "/readyz", folder)
    yield Contender("BentoML, JSON", address, "/predict", [{"features": body} for body in by_name], ("value",))
    port = free_port("127.0.0.1")
    address = _started(stack, _bento("benchmarks.contenders:Batched", port), environ, port, "/readyz", folder)
    yield Contender("BentoML, batching", address, "/predict", [{"rows": [row]} for row in rows], (0,))


def _mlflow(model: Model, folder: Path, port: int) -> list[str]:
    path = folder / "mlflow"
    mlflow.xgboost.save_model(model.booster, path, pip_requirements=["xgboost"])
    mlflow_program = str(Path(sys.executable).with_name("mlflow"))
    where = ["--port", str(port), "--workers", "1", "--env-manager", "local"]
    return [mlflow_program, "models", "serve", "-m", str(path), *where]


def _bento(service_name: str, port: int) -> list[str]:
    return [sys.executable, "-m", "bentoml", "serve", service_name, "--port", str(port)]


def _environ(folder: Path) -> dict[str, str]:
    own = {"TREES": str(folder / "trees.ubj"), "COLUMNS": str(folder / "columns.json"), "OMP_NUM_THREADS": "1"}
    quiet = {
        "BENTOML_DO_NOT_TRACK": "True",
        "BENTOML_HOME": str(folder / "bentoml"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {k: v for k, v in os.environ.items() if not k.startswith("TQS_")} | own | quiet | {"PATH": beside}


def _started(
    stack: ExitStack, command: Sequence[str], environ: Mapping[str, str], port: int, ready: str, folder: Path
) -> str:
    return stack.enter_context(server(command, environ, port, ready, folder / f"{port}.log"))


def measure(asked: Sequence[Contender], rounds: int, seconds: float) -> dict[str, list[dict[str, Any]]]:
    """The figures of every round, by contender. Raises AssertionError where their values differ."""
    expected = asked[0].values()
    for other in asked[1:]:
        assert np.allclose(other.values(), expected, atol=1e-6), f"{other.name} gives other values"
    found: dict[str, list[dict[str, Any]]] = {contender.name: [] for contender in asked}
    for number in range(rounds + 1):
        for contender in asked:
            load = saturate(contender.address, contender.requests(), seconds, CONNECTIONS)
            if number:  # the first warms up
                found[contender.name].append(load.summary() | {"errors": load.errors})
    return found


def show(found: Mapping[str, list[dict[str, Any]]], console: Console) -> None:
    """One line a contender: medians over the rounds, and our rate over theirs, round by round."""
    table = Table("who", "requests/s", "p50 ms", "p95 ms", "p99 ms", "errors", "ours ÷ theirs", "in rounds")
    ours = [r["rate"] for r in found["ours"]]
    for name, rounds in found.items():
        ratios = [mine / other["rate"] for mine, other in zip(ours, rounds, strict=True)]
        figures = [f"{statistics.median(r[key] for r in rounds):,.1f}" for key in ("rate", "p50", "p95", "p99")]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        table.add_row(name, *figures, str(sum(r["errors"] for r in rounds)), f"{statistics.median(ratios):.2f}", spread)
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trees", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o711)  # the database's account must be able to enter
        with contenders(Path(folder), options.trees) as asked:
            found = measure(asked, options.rounds, options.seconds)
    show(found, Console(width=140))
    if options.out:
        options.out.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
