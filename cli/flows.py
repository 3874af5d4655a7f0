"""`tqs train` and `tqs score`: the flows, from the command line."""

from datetime import datetime
from typing import Annotated

import typer

from domain.vocabulary import Task


def train(
    task: Annotated[Task | None, typer.Option(help="Train this one only.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything random; TQS_SEED by default.")] = None,
) -> None:
    """Train the models on the database, register them and make them champions."""
    from flows.standalone import run
    from flows.train import train as flow

    run(flow, task_name=task or "all", seed=seed)


def score(
    as_of: Annotated[datetime | None, typer.Option(help="Score as known at this moment (UTC); now by default.")] = None,
) -> None:
    """Score every active tutor and every session of the next 48 hours."""
    from datetime import UTC

    from flows.score import score as flow
    from flows.standalone import run

    run(flow, as_of=as_of.replace(tzinfo=as_of.tzinfo or UTC).isoformat() if as_of else None)
