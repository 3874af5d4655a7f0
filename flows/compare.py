"""Flow `compare`: weekly comparison of challengers with champions on known outcomes."""

import os
from datetime import UTC, datetime

import numpy as np
from prefect import flow
from prefect.cache_policies import NO_CACHE

from domain.mail import Mail
from domain.promotion import challenger, champions
from domain.vocabulary import Task
from features.as_of.queries import microseconds_of
from features.history.history import History
from flows import standalone
from flows.monitor import deliver_mails
from flows.recorded import recorded
from flows.score import load
from flows.tasks import task
from gateways.clock import utc_now
from jobs.runtime import Runtime, open_runtime
from models.gate.checks import Policy
from models.gate.decision import Contest, GateDecision
from models.gate.shadow import COMPARED, decide, outcomes
from store.ledger.models import record
from store.ledger.shadow import Pair, ShadowComparison, pairs, record_comparison
from store.outgoing.mail import enqueue_mail


@task(retries=2, retry_delay_seconds=10, timeout_seconds=300, cache_policy=NO_CACHE)
def load_pairs(runtime: Runtime, name: Task, shadow: str, serves: str) -> list[Pair]:
    """Scores of both versions for the same subjects."""
    return pairs(runtime.engine, COMPARED[name], shadow, serves)


def contest_of(name: Task, history: History, scored: list[Pair], serves: str) -> Contest:
    """Contest of challenger and champion on the pairs with known outcomes."""
    as_of = np.array([microseconds_of(pair.as_of) for pair in scored], dtype=np.int64)
    known, labels, tutors = outcomes(name, history, [pair.subject_id for pair in scored], as_of)
    first = datetime.fromtimestamp(as_of[known].min() / 1e6, UTC) if known.size else None
    return Contest(
        champion=serves,
        since=f"{first:%Y-%m-%d}" if first else "the challenger began",
        labels=labels,
        scores=np.array([scored[i].challenger for i in known]),
        others=np.array([scored[i].champion for i in known]),
        tutors=tutors,
    )


@task(retries=2, retry_delay_seconds=10, timeout_seconds=60, cache_policy=NO_CACHE)
def save(runtime: Runtime, comparison: ShadowComparison, words: str) -> None:
    """Store the comparison and enqueue the mail about it, once a week."""
    record_comparison(runtime.engine, comparison)
    mail = Mail(runtime.settings.mail_to, f"Challenger {comparison.challenger} beside {comparison.champion}", words)
    enqueue_mail(
        runtime.engine, mail, "comparison", f"compare {comparison.challenger} {comparison.at:%G-W%V}", comparison.at
    )


@flow(name="compare", log_prints=True, timeout_seconds=1800)
@recorded
def compare() -> dict[str, str]:
    """Compare each challenger with its champion. Returns a sentence by task that has both."""
    with open_runtime(os.environ) as runtime:
        both = {name: versions for name in Task if (versions := _versions(runtime, name))}
        if not both:
            print("no task has a champion and a challenger: nothing to compare")
            return {}
        history, now = load(runtime), utc_now()
        words = {str(name): _compare(runtime, history, name, *versions, now) for name, versions in both.items()}
        deliver_mails(runtime, now)
    return words


def _versions(runtime: Runtime, name: Task) -> tuple[str, str] | None:
    done = record(runtime.engine, name)
    serving, shadow = champions(done)[-1:], challenger(done)
    return (shadow, serving[0]) if serving and shadow else None


def _compare(runtime: Runtime, history: History, name: Task, shadow: str, serves: str, now: datetime) -> str:
    contest = contest_of(name, history, load_pairs(runtime, name, shadow, serves), serves)
    decision = decide(contest, Policy(), runtime.settings.seed)
    words = _words(shadow, decision)
    save(runtime, ShadowComparison(name, shadow, serves, decision.as_json(), now), words)
    print(words)
    return words


def _words(shadow: str, decision: GateDecision) -> str:
    found = f"{shadow}: {'; '.join(decision.reasons)}."
    return f"{found} To promote it: tqs models promote {shadow}" if decision.passed else found


if __name__ == "__main__":
    standalone.main(compare)
