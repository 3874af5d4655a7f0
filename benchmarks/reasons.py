"""Reasons and advice of the tutors at the top of the list, on a simulated market.

`python -m benchmarks.reasons [--tutors N] [--top N] [--seed N] [--rows N]`. Prints how many different first reasons,
themes and advices the top of the list has, the time that reasons take, and the first rows as a person reads them.
"""

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console
from rich.table import Table

from domain.scores import Score, points
from domain.vocabulary import ScoreKind, Task
from features.history.history import History
from flows.train import request_of
from jobs.scoring import model_scores
from models.artifact.champion import Champion
from models.examples.rows import data_span
from models.train.fitting import fit
from simulator.marketplace import simulate
from simulator.settings import MarketSettings


def champions(history: History, seed: int) -> dict[Task, Champion | None]:
    """Both models, fitted to all known outcomes of a history, without evaluation."""
    end = data_span(history)[1] + 1
    requests = {task: replace(request_of(task, history, seed), cut=end) for task in Task}
    return {task: Champion(fit(request, end).model, f"{task}/1") for task, request in requests.items()}


def counts(scores: Sequence[Score]) -> dict[str, int]:
    """Numbers of different first reasons, first themes and advices among scores."""
    first = [score.reasons[0] for score in scores if score.reasons]
    return {
        "first reasons": len({reason.text for reason in first}),
        "first themes": len({reason.theme for reason in first}),
        "rows with the commonest first theme": max(Counter(reason.theme for reason in first).values(), default=0),
        "advices": len({score.action for score in scores}),
        "rows with the commonest advice": max(Counter(score.action for score in scores).values(), default=0),
    }


def _rows(scores: Sequence[Score]) -> Table:
    table = Table("help", "band", "reasons", "advice")
    for score in scores:
        reasons = "\n".join(f"{reason.effect:+.1f} {reason.theme}: {reason.text}" for reason in score.reasons)
        table.add_row(str(points(score.value)), score.band, reasons, score.action)
    return table


def main() -> None:
    """Simulate, train, score and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tutors", type=int, default=600)
    parser.add_argument("--top", type=int, default=50)
    parser.add_argument("--rows", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    settings = MarketSettings(
        tutors=arguments.tutors, sessions_per_day=round(2.5 * arguments.tutors), seed=arguments.seed
    )
    history = History(simulate(settings).dataset)
    models, began = champions(history, arguments.seed), time.perf_counter()
    scores = model_scores(history, models, settings.end)
    seconds = time.perf_counter() - began
    top = [score for score in scores if score.kind is ScoreKind.HELP][: arguments.top]
    console = Console(width=160)
    console.print(_rows(top[: arguments.rows]))
    for words, number in counts(top).items():
        console.print(f"{words} among the top {len(top)}: {number}")
    console.print(f"{len(scores):,} scores with reasons in {seconds:.2f} s")


if __name__ == "__main__":
    main()
