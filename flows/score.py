"""Flow `score`: scores of every active tutor and every session of the next 48 hours."""

import argparse
import os
from datetime import datetime
from typing import cast

from prefect import flow
from prefect.cache_policies import NO_CACHE
from prefect.utilities.annotations import quote

from domain.scores import Score
from domain.vocabulary import Task
from features.history.history import History
from flows import standalone
from flows.recorded import recorded
from flows.tasks import task
from gateways.clock import utc_now
from jobs.progress import report
from jobs.runtime import Runtime, moment, open_runtime
from jobs.scoring import (
    all_scores,
    open_stored,
    past_scores,
    shadow_scores,
    skipping_unscorable,
    without_tutors,
    without_unreadable,
)
from models.artifact.champion import Champion
from quality.reasons import with_reason_codes
from store.facts.history import HISTORY_KINDS, read_dataset
from store.facts.tombstones import erased_tutors
from store.ledger.models import challenger, champion
from store.ledger.shadow import save_shadow_scores
from store.scores.records import save_scores, swept_between
from store.scores.tutor_scores import TREND_SLACK, TREND_SPAN


@task(retries=2, retry_delay_seconds=10, timeout_seconds=600, cache_policy=NO_CACHE)
def load(runtime: Runtime, without: frozenset[str] = frozenset()) -> History:
    """The whole history except transcripts and some tutors, with classified reschedule reasons."""
    dataset = read_dataset(runtime.engine, kinds=HISTORY_KINDS)
    return History(with_reason_codes(without_unreadable(without_tutors(dataset, without))))


@task(retries=2, retry_delay_seconds=10, timeout_seconds=60, cache_policy=NO_CACHE)
def load_champions(runtime: Runtime) -> dict[Task, Champion | None]:
    """The champion of each task."""
    return {name: open_stored(champion(runtime.engine, name)) for name in Task}


@task(retries=2, retry_delay_seconds=10, timeout_seconds=60, cache_policy=NO_CACHE)
def load_challengers(runtime: Runtime) -> dict[Task, Champion | None]:
    """The challenger of each task, which scores in shadow."""
    challengers: dict[Task, Champion | None] = dict.fromkeys(Task)
    for name in Task:
        with skipping_unscorable(f"the {name} challenger"):
            challengers[name] = open_stored(challenger(runtime.engine, name))
    return challengers


@task(retries=2, retry_delay_seconds=10, timeout_seconds=300, cache_policy=NO_CACHE)
def save(runtime: Runtime, scores: list[Score]) -> None:
    """Append the scores."""
    save_scores(runtime.engine, scores)


@task(retries=2, retry_delay_seconds=10, timeout_seconds=300, cache_policy=NO_CACHE)
def save_shadow(runtime: Runtime, scores: list[Score]) -> None:
    """Append the challengers' scores, which are not shown."""
    save_shadow_scores(runtime.engine, scores)


def past_weeks(runtime: Runtime, history: History, champions: dict[Task, Champion | None], at: datetime, n: int) -> int:
    """Score the tutors as of the last n weeks without a sweep. Returns the number of scores saved."""
    saved = 0
    for week in range(1, n + 1):
        moment = at - week * TREND_SPAN
        if not swept_between(runtime.engine, moment - TREND_SLACK, moment):
            report(f"score tutors as known {week} week{'s' if week > 1 else ''} ago")
            scores = past_scores(history.dataset, champions, moment)
            save(runtime, _whole(scores))
            saved += len(scores)
    return saved


@flow(name="score", log_prints=True, timeout_seconds=1800)
@recorded
def score(as_of: str | None = None, weeks: int = 0) -> int:
    """Score as of a moment (ISO 8601; now by default). Returns the number of scores saved.

    Afterwards scores the tutors as of each of the `weeks` before that have no sweep, from what was known then, so that
    trends exist from the first day.
    """
    with open_runtime(os.environ) as runtime:
        champions = load_champions(runtime)
        if not any(champions.values()):
            print("no model is registered yet: only rates are scored; run `tqs train` for the rest")
        report("load the history")
        gone = erased_tutors(runtime.engine)
        history, at, challengers = load(runtime, gone), moment(as_of, utc_now()), load_challengers(runtime)
        report("score tutors and sessions")
        scores = all_scores(history, champions, at)
        report("save the scores, and those of challengers")
        save(runtime, _whole(scores))
        save_shadow(runtime, _whole(shadow_scores(history, challengers, at)))
        saved = len(scores) + past_weeks(runtime, history, champions, at, weeks)
    print(f"{saved} scores saved")
    return saved


def _whole(scores: list[Score]) -> list[Score]:
    """Quote scores for a task: Prefect would search every field of each for results of other tasks."""
    return cast(list[Score], quote(scores))


def main() -> None:
    """Run the flow from the command line: `python -m flows.score`, or MLproject's entry point `score`."""
    parser = argparse.ArgumentParser(description=score.__doc__)
    parser.add_argument("--as-of", default="", help="ISO 8601 with an offset; now by default")
    parser.add_argument("--weeks", type=int, default=0, help="past weeks to score too, from what was known then")
    options = parser.parse_args()
    standalone.main(score, as_of=options.as_of or None, weeks=options.weeks)


if __name__ == "__main__":
    main()
