"""The inbox drained and webhooks sent on a schedule: the safety net for an hour in which no worker runs."""

import os

from prefect import flow
from prefect.cache_policies import NO_CACHE

from flows.recorded import recorded
from flows.tasks import task
from gateways.clock import utc_now
from jobs.rails_webhooks import sender_of
from jobs.runtime import Runtime, open_runtime
from store.inbox.backlog import backlog


@task(retries=2, retry_delay_seconds=10, timeout_seconds=1800, cache_policy=NO_CACHE)
def work(runtime: Runtime) -> int:
    """Work on all that is due."""
    from jobs.event_worker import Worker  # the models, read only where there is something to do

    return Worker(runtime.engine, utc_now).drain()


@task(retries=2, retry_delay_seconds=10, timeout_seconds=1800, cache_policy=NO_CACHE)
def send(runtime: Runtime) -> int:
    """Send the webhooks to Rails that are due."""
    sender = sender_of(runtime.engine, runtime.settings)
    return sender.sweep() if sender else 0


@flow(name="drain", log_prints=True, timeout_seconds=3600)
@recorded
def drain() -> int:
    """Work on the events that no worker has taken, and send what none has sent. Gives the number of events finished."""
    with open_runtime(os.environ) as runtime:
        done = work(runtime) if backlog(runtime.engine).waiting else 0
        sent = send(runtime)
        left = backlog(runtime.engine)
    print(f"{done} events done, {left.waiting} wait, {left.parked} are parked; {sent} webhooks sent")
    return done
