"""`tqs import`: check a dataset and load it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.steps import console as make_console
from domain.errors import InvalidDataset
from domain.schema import KINDS
from domain.wording import did_you_mean

if TYPE_CHECKING:
    from gateways.dataset import Counts, ReadResult
    from gateways.settings import Settings
    from store.load import LoadSummary

SOME_REJECTED = 3


@dataclass(frozen=True)
class Imported:
    """What an import did: the rows read, and what loading them changed."""

    read: "ReadResult"
    loaded: "LoadSummary"

    def in_words(self) -> str:
        """One line for a progress display."""
        good = sum(counts.good for counts in self.read.counts.values())
        return f"{good:,} rows loaded, {self.read.rejects.num_rows:,} rejected"


def import_dataset(
    path: Annotated[Path, typer.Argument(metavar="DATASET.yaml", help="The dataset's YAML file; see docs/dataset.md.")],
    check: Annotated[bool, typer.Option("--check", help="Check only: load nothing.")] = False,
    file: Annotated[list[str] | None, typer.Option(help="KIND=PATH: read a kind from another file.")] = None,
    rejects: Annotated[
        Path | None, typer.Option(help="Where rejected rows go. Default: DATASET.rejects.csv in this folder.")
    ] = None,
) -> None:
    """Check a dataset and load its good rows. Ends with 0 if all were good, 3 if some were rejected, 2 if none was."""
    from gateways.dataset import read_rows
    from gateways.settings import load_settings

    read = read_rows(path, parse_files(file))
    loaded = None if check or not read.is_usable else _load(read, load_settings(os.environ)).loaded
    console = make_console()
    _print_summary(console, read, loaded)
    _write_rejects(console, read, rejects or Path(f"{path.stem}.rejects.csv"))
    read.check_usable()
    if read.rejects.num_rows:
        raise typer.Exit(SOME_REJECTED)


def load_file(path: Path, settings: "Settings", files: Mapping[str, Path] | None = None) -> Imported:
    """Check a dataset and load its good rows. Raises InvalidDataset, NothingUsable, DatabaseUnavailable."""
    from gateways.dataset import read_dataset

    return _load(read_dataset(path, files), settings)


def parse_files(given: list[str] | None) -> dict[str, Path]:
    """`KIND=PATH` as given on the command line. Raises InvalidDataset for another form, or a kind there is not."""
    files = {}
    for text in given or []:
        kind, separator, path = text.partition("=")
        if not separator or not path:
            raise InvalidDataset(f"--file {text}: write KIND=PATH, as in sessions=sessions.csv")
        if kind not in KINDS:
            raise InvalidDataset(f"--file {text}: `{kind}` is no kind of thing{did_you_mean(kind, KINDS)}")
        files[kind] = Path(path)
    return files


def _load(read: "ReadResult", settings: "Settings") -> Imported:
    from gateways.clock import utc_now
    from gateways.dataset import fingerprints
    from gateways.postgres import running_database
    from store.database import make_engine, upgrade
    from store.load import load, record_import

    with running_database(settings) as url:
        engine = make_engine(url)
        upgrade(engine)
        loaded = load(engine, read.dataset)
        name = read.files["dataset"].name
        record_import(engine, name, fingerprints(read.files), loaded, utc_now(), read.rejects.num_rows)
        engine.dispose()
    return Imported(read, loaded)


def _print_summary(console: Console, read: "ReadResult", loaded: "LoadSummary | None") -> None:
    table = Table("", title="Checked, nothing loaded" if loaded is None else "Loaded")
    for name in (
        "read",
        "good",
        "rejected",
        "left out",
        "repeated",
        *(("new", "changed", "unchanged") if loaded else ()),
    ):
        table.add_column(name, justify="right")
    for kind, counts in read.counts.items():
        if counts.read or counts.good:
            table.add_row(*_cells(kind, counts, loaded))
    console.print(table)
    for ids in read.rounded:
        console.print(f"Warning: {ids.in_words()}", markup=False, highlight=False, soft_wrap=True)


def _cells(kind: str, counts: "Counts", loaded: "LoadSummary | None") -> list[str]:
    title = kind if counts.read else f"{kind} (derived)"
    numbers = [counts.read, counts.good, counts.rejected, counts.filtered, counts.duplicates]
    if loaded:
        changes = loaded.kinds[kind]
        numbers += [changes.new, changes.changed, changes.unchanged]
    return [title, *(f"{number:,}" for number in numbers)]


def _write_rejects(console: Console, read: "ReadResult", path: Path) -> None:
    """Write the rejects file; without rejects only over an older one, which would tell of rows long mended."""
    from gateways.dataset import write_rejects

    count = read.rejects.num_rows
    if not count and not path.exists():
        return
    try:
        write_rejects(read.rejects, path)
    except OSError as error:
        raise InvalidDataset(f"--rejects {path}: cannot be written ({error.strerror or error})") from error
    console.print(
        f"{count:,} rejected rows, each with its reason: {path}", markup=False, highlight=False, soft_wrap=True
    )
