"""`tqs tune`, `tqs train` and `tqs score`: flows run from the command line."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Literal

import typer

from cli.leak_options import KnownWhenAsked, parse_reasons
from cli.printing import AsJson, notes_apart, print_json
from cli.steps import stages
from domain.vocabulary import Task

Params = Literal["tuned", "default"]


def train(
    task: Annotated[Task | None, typer.Option(help="Train only this task.")] = None,
    seed: Annotated[int | None, typer.Option(help="Random seed; TQS_SEED by default.")] = None,
    params: Annotated[
        Params, typer.Option(help="`tuned`: the newest result of `tqs tune`, if any; or the defaults.")
    ] = "tuned",
    known_when_asked: KnownWhenAsked = None,
    as_json: AsJson = False,
) -> None:
    """Train the models on the database, register them, and promote those that pass the gate."""
    from flows.standalone import run
    from flows.train import train as flow

    reasons = parse_reasons(known_when_asked)
    with _progress(as_json):
        trained = run(flow, task_name=task or "all", seed=seed, params=params, confirmed=reasons)
    if as_json:
        print_json({"trained": trained})


def tune(
    task: Annotated[Task | None, typer.Option(help="Tune only this task.")] = None,
    budget: Annotated[float, typer.Option(min=1, help="Seconds to search, per task.")] = 60,
    seed: Annotated[int | None, typer.Option(help="Random seed; TQS_SEED by default.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that share the search.")] = 1,
    study: Annotated[
        str | None, typer.Option(help="Join the search with this name, also from another machine.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Search XGBoost parameters for the next training."""
    from flows.standalone import run
    from flows.tune import tune as flow

    with _progress(as_json):
        losses = run(flow, task_name=task or "all", budget=budget, seed=seed, workers=workers, study_name=study)
    if as_json:
        print_json({"log_loss": losses})


def score(
    as_of: Annotated[datetime | None, typer.Option(help="Score as of this moment (UTC); now by default.")] = None,
    weeks: Annotated[
        int, typer.Option(min=0, max=52, help="Also score the tutors of this many past weeks, as known then.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Score all active tutors and all sessions of the next 48 hours."""
    from datetime import UTC

    from flows.score import score as flow
    from flows.standalone import run

    with _progress(as_json):
        moment = as_of.replace(tzinfo=as_of.tzinfo or UTC).isoformat() if as_of else None
        saved = run(flow, as_of=moment, weeks=weeks)
    if as_json:
        print_json({"saved": saved})


@contextmanager
def _progress(as_json: bool) -> Iterator[None]:
    """Show the steps of a flow on standard error; with `--json` also the lines it prints."""
    from jobs.progress import reporting_to

    with notes_apart(as_json), stages("start") as begin, reporting_to(begin):
        yield
