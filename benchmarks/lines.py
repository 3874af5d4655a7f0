"""Lines of the benchmarks' table: what was measured, ours, the best peer, and the target."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

FILE = "BENCH_LINES"
"""Environment variable that names the file to which a benchmark appends its lines."""


@dataclass(frozen=True)
class Line:
    """One measured figure beside its best peer in the same run.

    `ours` and `peer` share the `unit`; `peer` is None where nothing comparable exists. `ratio` is the factor by which
    ours is better, or the figure itself where the target is absolute; the target is met at `target` or above if
    `at_least`, otherwise at or below. A line without target informs only.
    """

    what: str
    ours: float
    unit: str
    peer: float | None = None
    peer_name: str = ""
    ratio: float | None = None
    target: float | None = None
    at_least: bool = True

    @property
    def measured(self) -> float:
        """Figure that is compared with the target."""
        return self.ours if self.ratio is None else self.ratio

    @property
    def met(self) -> bool | None:
        """True if the target is met; None without a target."""
        if self.target is None:
            return None
        return self.measured >= self.target if self.at_least else self.measured <= self.target


def record(lines: Iterable[Line]) -> None:
    """Append lines to the file of the run, if a run of all benchmarks named one."""
    if path := os.environ.get(FILE):
        with Path(path).open("a") as file:
            file.writelines(json.dumps(asdict(line)) + "\n" for line in lines)


def read(path: Path) -> list[Line]:
    """Lines recorded in a file so far."""
    return [Line(**json.loads(text)) for text in path.read_text().splitlines()] if path.exists() else []


def show(lines: Iterable[Line], console: Console) -> None:
    """Print the table."""
    table = Table("what", "ours", "best peer", "ratio", "target", "met")
    for line in lines:
        peer = "" if line.peer is None else f"{line.peer:,.3g} {line.peer_name}".rstrip()
        sign = "≥" if line.at_least else "≤"
        target = "" if line.target is None else f"{sign} {line.target:g}"
        met = {True: "yes", False: "NO", None: ""}[line.met]
        ratio = "" if line.ratio is None else f"{line.ratio:.2f}"
        table.add_row(line.what, f"{line.ours:,.3g} {line.unit}", peer, ratio, target, met)
    console.print(table)
