"""`tqs train` and `tqs score`: the flows, from the command line."""

from datetime import datetime
from typing import Annotated

import typer


def train(
    task: Annotated[str, typer.Option(help="`no_show`, `churn` or `all`.")] = "all",
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
) -> None:
    """Train the models on the database, register them and make them champions."""
    from flows.train import train as flow

    flow(task_name=task, seed=seed)


def score(
    as_of: Annotated[datetime | None, typer.Option(help="Score as known at this moment (UTC); now by default.")] = None,
) -> None:
    """Score every active tutor and every session of the next 48 hours."""
    from datetime import UTC

    from flows.score import score as flow

    flow(as_of=as_of.replace(tzinfo=as_of.tzinfo or UTC).isoformat() if as_of else None)
