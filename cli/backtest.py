"""`tqs backtest`: training and testing on files, without a database."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.import_summary import DECIDED_WHEN_ASKED
from cli.leak_options import KnownWhenAsked, parse_reasons
from cli.printing import AsJson, add_rows, cell, print_json, shown
from cli.steps import console as make_console
from cli.steps import stages
from domain.errors import InvalidDataset, NotEnoughData
from domain.scores import percent
from domain.spans import parse_span
from domain.vocabulary import Task

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.console import Console

    from features.base.dataset import Dataset
    from models.evaluate.report import Section
    from models.train.backtest import Backtest


def _span(text: str) -> timedelta:
    try:
        return parse_span(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def backtest(
    task: Annotated[Task, typer.Argument(help="What to predict.")],
    dataset: Annotated[Path, typer.Argument(help="The dataset's YAML file.")],
    cut: Annotated[
        datetime | None,
        typer.Option(help="Train before this moment, test from it on (UTC). Default: test the last 30 %% of days."),
    ] = None,
    truth: Annotated[Path | None, typer.Option(help="True probabilities of simulated data, for the ceiling.")] = None,
    horizon: Annotated[str, typer.Option(help="Churn: horizon within which leaving counts.")] = "30d",
    every: Annotated[str, typer.Option(help="Churn: time between two rows of a tutor.")] = "7d",
    file: Annotated[list[str] | None, typer.Option(help="KIND=PATH: read a kind from another file.")] = None,
    known_when_asked: KnownWhenAsked = None,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Train on the earlier part of a dataset and test on the later part, with and without the tutors' history."""
    spans = _span(horizon), _span(every)
    from cli.import_dataset import parse_files
    from importing import read_dataset

    reasons = parse_reasons(known_when_asked)
    with stages("read the dataset") as begin:
        read = read_dataset(dataset, parse_files(file))
        moment, known = _microseconds(cut), _truth(truth)
        # Training code takes seconds to import; report an unreadable dataset before that.
        from models.train.backtest import as_json as document
        from models.train.backtest import backtest as run
        from quality.reasons import with_reason_codes

        try:
            coded = with_reason_codes(read.dataset)
            result = run(task, coded, *spans, cut=moment, seed=seed, truth=known, confirmed=reasons, on_step=begin)
        except NotEnoughData as error:
            message = str(error).replace("Import more history.", "Import more history or move --cut.")
            raise NotEnoughData(message) from None
    _note_late_attributes(read.dataset)
    if as_json:
        print_json(document(result))
    else:
        _print_table(result, read.rejects.num_rows)


def _note_late_attributes(dataset: "Dataset") -> None:
    late = ", ".join(a.name for a in dataset.attributes if a.late)
    if late:
        print(f"not used as features, because written after the booking (`late: true`): {shown(late)}", file=sys.stderr)


def _microseconds(cut: datetime | None) -> int | None:
    if cut is None:
        return None
    return int(cut.replace(tzinfo=cut.tzinfo or UTC).timestamp() * 1_000_000)


def _truth(path: Path | None) -> "pa.Table | None":
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path is None:
        return None
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise InvalidDataset(f"--truth {path}: not a readable Parquet file ({error})") from error


def _print_table(result: "Backtest", n_rejected: int) -> None:
    from models.evaluate.report import figures_section, sections
    from models.train.backtest import in_words

    columns = {"with history": result.with_history.figures, "without history": result.without_history.figures}
    if result.with_history.ceiling:
        columns["ceiling"] = result.with_history.ceiling
    console = make_console()
    for section in (figures_section(f"{result.task}: {_heading(result)}", columns), *sections(result.with_history)):
        _print_section(console, section)
    low, high = result.gain.low, result.gain.high
    console.print(f"gain of history in ROC AUC: {result.gain.value:.4f} ({low:.4f} to {high:.4f})")
    for sentence in in_words(result):
        console.print(shown(sentence), soft_wrap=True)
    if result.decided_when_asked:
        console.print(f"{result.decided_when_asked:,} {DECIDED_WHEN_ASKED}", soft_wrap=True)
    console.print(f"{result.seconds:.1f} s, peak {result.peak_mb:.0f} MB, {n_rejected} rows rejected")


def _print_section(console: "Console", section: "Section") -> None:
    from rich.table import Table

    table = Table(title=cell(section.title))
    for name in section.columns:
        table.add_column(cell(name))
    console.print(add_rows(table, section.rows))
    if section.note:
        console.print(shown(section.note))


def _heading(result: "Backtest") -> str:
    cut = datetime.fromtimestamp(result.cut / 1e6, UTC)
    full = result.with_history
    share = f"{percent(full.base_rate)} positive"
    return f"trained on {result.n_train:,} rows before {cut:%Y-%m-%d}, tested on {full.n_test:,}, {share}"
