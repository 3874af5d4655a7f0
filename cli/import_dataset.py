"""`tqs import`: check and load a dataset."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from cli.import_summary import as_json as summary_as_json
from cli.import_summary import print_summary
from cli.printing import AsJson, print_json, shown
from cli.steps import console as make_console
from domain.errors import DatabaseUnavailable, InvalidDataset
from domain.schema import KINDS
from domain.wording import did_you_mean

if TYPE_CHECKING:
    from gateways.settings import Settings
    from importing import ReadResult
    from store.db.engine import Engine
    from store.facts.load_summary import LoadSummary

SOME_REJECTED = 3


@dataclass(frozen=True)
class Imported:
    """Result of an import: the rows read, and the changes made by loading them."""

    read: "ReadResult"
    loaded: "LoadSummary"

    def in_words(self) -> str:
        """One line for a progress display."""
        good = sum(counts.good for counts in self.read.counts.values())
        return f"{good:,} rows loaded, {self.read.rejects.num_rows:,} rejected"


@dataclass(frozen=True)
class ImportOutcome:
    """Result of the command: the changes made or to be made, or a note why there was no comparison."""

    changes: "LoadSummary | None" = None
    note: str | None = None


def import_dataset(
    path: Annotated[Path, typer.Argument(metavar="DATASET.yaml", help="The dataset's YAML file; see docs/dataset.md.")],
    check: Annotated[
        bool, typer.Option("--check", help="Load nothing; check the rows and count the changes an import would make.")
    ] = False,
    file: Annotated[list[str] | None, typer.Option(help="KIND=PATH: read a kind from another file.")] = None,
    rejects: Annotated[
        Path | None, typer.Option(help="File for rejected rows. Default: DATASET.rejects.csv in this folder.")
    ] = None,
    exported_at: Annotated[
        str | None, typer.Option(help="When the files were exported, as in 2026-11-30T12:00Z; see docs/dataset.md.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a dataset and load its good rows. Exit code 0: all good; 3: some rejected; 2: no session usable."""
    from gateways.clock import utc_now
    from gateways.settings import load_settings
    from importing import read_rows

    read = read_rows(path, parse_files(file), exported_at)
    _check_export(read, utc_now())
    outcome = _act(read, check, load_settings(os.environ)) if read.is_usable else ImportOutcome()
    console = make_console()
    written = _write_rejects(read, rejects or Path(f"{path.stem}.rejects.csv"))
    if as_json:
        print_json(summary_as_json(read, outcome.changes, check, outcome.note, written))
    else:
        _print(console, read, outcome, check, written)
    read.check_usable()
    if read.rejects.num_rows:
        raise typer.Exit(SOME_REJECTED)


def _print(console: Console, read: "ReadResult", outcome: ImportOutcome, check: bool, rejects: Path | None) -> None:
    print_summary(console, read, outcome.changes, check)
    if outcome.note:
        console.print(shown(outcome.note), soft_wrap=True)
    if rejects:
        line = f"{read.rejects.num_rows:,} rejected rows, each with its reason: {shown(rejects)}"
        console.print(line, soft_wrap=True)


def load_file(path: Path, settings: "Settings", files: Mapping[str, Path] | None = None) -> Imported:
    """Check a dataset and load its good rows. Raises InvalidDataset, NothingUsable, DatabaseUnavailable."""
    from importing import read_dataset

    return _load(read_dataset(path, files), settings)


def parse_files(options: list[str] | None) -> dict[str, Path]:
    """Parse `KIND=PATH` options of the command line. Raises InvalidDataset for another form or an unknown kind."""
    files = {}
    for text in options or []:
        kind, separator, path = text.partition("=")
        if not separator or not path:
            raise InvalidDataset(f"--file {text}: write KIND=PATH, as in sessions=sessions.csv")
        if kind not in KINDS:
            raise InvalidDataset(f"--file {text}: `{kind}` is not a kind of record{did_you_mean(kind, KINDS)}")
        files[kind] = Path(path)
    return files


def _check_export(read: "ReadResult", now: datetime) -> None:
    """Raise InvalidDataset for an export dated in the future: it would take precedence over later events."""
    moment = read.export.exported_at
    if moment is not None and moment > now:
        raise InvalidDataset(
            f"exported_at {moment.isoformat()} is in the future; write the moment at which the files were exported"
        )


def _act(read: "ReadResult", check: bool, settings: "Settings") -> ImportOutcome:
    return _compare(read, settings) if check else ImportOutcome(_load(read, settings).loaded)


def _compare(read: "ReadResult", settings: "Settings") -> ImportOutcome:
    """Count the changes an import would make. Without a database the result is a note."""
    from gateways.embedded_postgres.server import has_database, running_database
    from store.db.engine import is_current, make_engine
    from store.facts.load import compare

    if not has_database(settings):
        return ImportOutcome(note="Not compared: there is no database yet. All good rows would be new.")
    try:
        with running_database(settings) as url, disposing(make_engine(url)) as engine:
            if not is_current(engine):
                return ImportOutcome(note="Not compared: the database schema is not current; an import migrates it.")
            return ImportOutcome(compare(engine, read.dataset, read.export))
    except DatabaseUnavailable as error:
        return ImportOutcome(note=f"Not compared: {error}")


def _load(read: "ReadResult", settings: "Settings") -> Imported:
    from gateways.clock import utc_now
    from gateways.embedded_postgres.server import running_database
    from importing import fingerprints
    from store.db.engine import make_engine, upgrade
    from store.facts.load import load, record_import

    with running_database(settings) as url, disposing(make_engine(url)) as engine:
        upgrade(engine)
        loaded = load(engine, read.dataset, read.export)
        name = read.files["dataset"].name
        record_import(engine, name, fingerprints(read.files), loaded, utc_now(), read.rejects.num_rows)
    return Imported(read, loaded)


@contextmanager
def disposing(engine: "Engine") -> Iterator["Engine"]:
    """Close the engine's connections at the end of the `with` block."""
    try:
        yield engine
    finally:
        engine.dispose()


def _write_rejects(read: "ReadResult", path: Path) -> Path | None:
    """Write the rejects file; returns its path. Without rejects only an existing file is overwritten; returns None."""
    from importing import write_rejects

    if not read.rejects.num_rows and not path.exists():
        return None
    try:
        write_rejects(read.rejects, path)
    except OSError as error:
        raise InvalidDataset(f"--rejects {path}: cannot be written ({error.strerror or error})") from error
    return path if read.rejects.num_rows else None
