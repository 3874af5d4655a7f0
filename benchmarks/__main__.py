"""All benchmarks, one after another, and one table at the end: `python -m benchmarks [--quick] [--out FILE]`.

A benchmark that fails is named at the end; the others still run. The lines are kept as JSON with the state of the
machine, so that runs can be compared: `--against FILE` adds the figures of an earlier run.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benchmarks.lines import FILE, Line, read, show

FULL: Mapping[str, Sequence[str]] = {
    "pipeline": (),
    "tuning": (),
    "scale_training": (),
    "coverage": (),
    "features": (),
    "engines": (),
    "serving": (),
    "online": (),
    "reading": (),
    "webhooks": (),
    "end_to_end": (),
    "day": (),
}
"""Benchmarks of a full run by module, with their arguments."""

QUICK: Mapping[str, Sequence[str]] = {
    "features": ("--sizes", "100000"),
    "serving": ("--rounds", "1", "--seconds", "2"),
    "online": ("--seconds", "5", "--tutors", "30"),
    "reading": ("--tutors", "1000", "--hours", "2", "--days", "2", "--seconds", "5"),
}
"""Benchmarks of a run of about three minutes."""


def run(chosen: Mapping[str, Sequence[str]], path: Path) -> list[str]:
    """Run benchmarks, their lines appended to a file. Returns the names of those that failed."""
    failed = []
    for name, arguments in chosen.items():
        print(f"── {name}", flush=True)
        began = time.monotonic()
        command = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
        if subprocess.run(command, env=os.environ | {FILE: str(path)}, check=False).returncode:
            failed.append(name)
        print(f"── {name}: {time.monotonic() - began:.0f} s\n", flush=True)
    return failed


def main() -> None:
    """Run all benchmarks, print the table and write it as JSON. Exits with 1 if a benchmark failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="about three minutes, at smaller sizes")
    parser.add_argument("--only", nargs="*", default=(), metavar="NAME", help="only these benchmarks")
    parser.add_argument("--out", type=Path, help="default: .data/benchmarks/DATE.json")
    parser.add_argument("--against", type=Path, help="JSON of an earlier run to compare with")
    options = parser.parse_args()
    chosen = QUICK if options.quick else FULL
    chosen = {name: chosen[name] for name in options.only or chosen}
    began = datetime.now(UTC)
    out = options.out or Path(".data/benchmarks") / f"{began:%Y-%m-%dT%H%M}{'-quick' if options.quick else ''}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    lines_file = out.with_suffix(".lines")
    lines_file.unlink(missing_ok=True)
    load = os.getloadavg()[0]
    failed = run(chosen, lines_file)
    lines = read(lines_file)
    lines_file.unlink(missing_ok=True)
    console = Console(width=140)
    show(lines, console)
    if options.against:
        compare(lines, options.against, console)
    machine = {"cores": os.cpu_count(), "load_before": load, "began": began.isoformat()}
    results = [asdict(line) | {"met": line.met} for line in lines]
    out.write_text(json.dumps({"machine": machine, "failed": failed, "lines": results}, indent=1))
    print(f"Written to {out}.")
    if failed:
        sys.exit(f"These benchmarks failed: {', '.join(failed)}")


def compare(lines: Sequence[Line], earlier: Path, console: Console) -> None:
    """Print each figure that an earlier run also has, with the factor between both."""
    fields = set(Line.__dataclass_fields__)
    before = {
        line["what"]: Line(**{name: line[name] for name in fields}) for line in json.loads(earlier.read_text())["lines"]
    }
    for line in lines:
        if old := before.get(line.what):
            factor = line.measured / old.measured if old.measured else float("nan")
            console.print(f"{line.what}: {old.measured:,.3g} before, {line.measured:,.3g} now (× {factor:.2f})")


if __name__ == "__main__":
    main()
