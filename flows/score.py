"""Score every active tutor and every session of the next 48 hours."""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import numpy as np
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from domain.errors import LateFeature, ModelMismatch
from domain.horizons import UPCOMING
from domain.scores import Score
from domain.vocabulary import ScoreKind, Task
from features.history import History
from features.queries import take
from flows import standalone
from flows.runtime import Runtime, moment, open_runtime
from gateways.clock import utc_now
from insights.contacts import contact_action
from insights.ranking import help_scores
from models.champion import Champion, open_model
from models.dataset import booked_sessions
from models.matrix import attributes_with_values, check_attributes
from models.scoring import microseconds_of, score_churn, score_sessions, score_tutors_no_show
from quality.reasons import with_reason_codes
from store.history import read_dataset
from store.models import StoredModel, challenger, champion
from store.scores import save_scores
from store.shadow import save_shadow_scores

HISTORY_KINDS = ("tutors", "students", "sessions", "reschedules", "messages")


@task(retries=2, retry_delay_seconds=10, timeout_seconds=600, cache_policy=NO_CACHE)
def load(runtime: Runtime) -> History:
    """The whole history, without transcripts, every written reason with its class."""
    return History(with_reason_codes(read_dataset(runtime.engine, kinds=HISTORY_KINDS)))


@task(retries=2, retry_delay_seconds=10, timeout_seconds=60, cache_policy=NO_CACHE)
def load_champions(runtime: Runtime) -> dict[Task, Champion | None]:
    """The champion of each task."""
    return {name: open_stored(champion(runtime.engine, name)) for name in Task}


@task(retries=2, retry_delay_seconds=10, timeout_seconds=60, cache_policy=NO_CACHE)
def load_challengers(runtime: Runtime) -> dict[Task, Champion | None]:
    """The challenger of each task, which scores unseen."""
    found: dict[Task, Champion | None] = dict.fromkeys(Task)
    for name in Task:
        with _told(f"the {name} challenger"):
            found[name] = open_stored(challenger(runtime.engine, name))
    return found


@contextmanager
def _told(who: str) -> Iterator[None]:
    """What cannot score in shadow is told, and stops nobody else."""
    try:
        yield
    except (LateFeature, ModelMismatch) as error:
        print(f"{who} does not score: {error}")


def shadow_scores(history: History, challengers: dict[Task, Champion | None], as_of: datetime) -> list[Score]:
    """Every score of the challengers that can still score, as known at `as_of`."""
    scores: list[Score] = []
    for name, waits in challengers.items():
        if waits:
            with _told(waits.version):
                scores += all_scores(history, dict.fromkeys(Task) | {name: waits}, as_of)
    return [score for score in scores if score.kind is not ScoreKind.HELP]


def open_stored(stored: StoredModel | None) -> Champion | None:
    """The stored bytes as a model, checked against their recorded hash; None where there is none."""
    return open_model(stored.version, stored.model_bytes, stored.sidecar) if stored else None


def all_scores(history: History, champions: dict[Task, Champion | None], as_of: datetime) -> list[Score]:
    """Every score there is a model for, as known at `as_of`.

    Raises ModelMismatch where the data hold nothing any more of an attribute that a model reads, LateFeature.
    """
    there = attributes_with_values(history.dataset)
    for serves in filter(None, champions.values()):
        check_attributes(serves.model.sidecar, there)
    no_show, churn = champions[Task.NO_SHOW], champions[Task.CHURN]
    risk = score_tutors_no_show(no_show.model, no_show.version, history, as_of) if no_show else []
    leaving = score_churn(churn.model, churn.version, history, as_of) if churn else []
    upcoming = upcoming_scores(history, no_show, as_of) if no_show else []
    return [*risk, *leaving, *help_scores(risk, leaving), *upcoming]


def upcoming_scores(history: History, no_show: Champion, as_of: datetime) -> list[Score]:
    """The no-show risk of each session booked for the next 48 hours, and what to do about it."""
    rows = booked_sessions(history, microseconds_of(as_of), UPCOMING)
    ids = history.dataset.tables["sessions"]["session_id"].take(rows).to_pylist() if np.size(rows) else []
    scores = score_sessions(no_show.model, no_show.version, history, ids, take(history.sessions, rows), as_of)
    return [score.model_copy(update={"action": contact_action(score.reasons)}) for score in scores]


@task(retries=2, retry_delay_seconds=10, timeout_seconds=300, cache_policy=NO_CACHE)
def save(runtime: Runtime, scores: list[Score]) -> None:
    """Append the scores."""
    save_scores(runtime.engine, scores)


@task(retries=2, retry_delay_seconds=10, timeout_seconds=300, cache_policy=NO_CACHE)
def save_shadow(runtime: Runtime, scores: list[Score]) -> None:
    """Append the challengers' scores where nobody is shown them."""
    save_shadow_scores(runtime.engine, scores)


@flow(name="score", log_prints=True, timeout_seconds=1800)
def score(as_of: str | None = None) -> int:
    """Score as of a moment (ISO 8601; now by default). Gives the number of scores saved."""
    with open_runtime(os.environ) as runtime:
        champions = load_champions(runtime)
        if not any(champions.values()):
            print("no model is registered yet: nothing to score; run `tqs train` first")
            return 0
        history, at, challengers = load(runtime), moment(as_of, utc_now()), load_challengers(runtime)
        scores = all_scores(history, champions, at)
        save(runtime, scores)
        save_shadow(runtime, shadow_scores(history, challengers, at))
    print(f"{len(scores)} scores saved")
    return len(scores)


def main() -> None:
    """`python -m flows.score`, and MLproject's entry point `score`."""
    parser = argparse.ArgumentParser(description=score.__doc__)
    parser.add_argument("--as-of", default="", help="ISO 8601 with an offset; now by default")
    standalone.main(score, as_of=parser.parse_args().as_of or None)


if __name__ == "__main__":
    main()
