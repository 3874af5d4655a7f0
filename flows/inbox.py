"""Flow `drain`: processes the inbox and sends webhooks on a schedule, in case no worker runs."""

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
    """Process all due events. Returns the number finished."""
    from jobs.event_worker import Worker  # imports the models only if there is work

    return Worker(runtime.engine, utc_now).drain()


@task(retries=2, retry_delay_seconds=10, timeout_seconds=1800, cache_policy=NO_CACHE)
def send(runtime: Runtime) -> int:
    """Send due webhooks. Returns the number of attempts."""
    sender = sender_of(runtime.engine, runtime.settings)
    return sender.sweep() if sender else 0


@flow(name="drain", log_prints=True, timeout_seconds=3600)
@recorded
def drain() -> int:
    """Process due events and send due webhooks. Returns the number of finished events."""
    with open_runtime(os.environ) as runtime:
        done = work(runtime) if backlog(runtime.engine).waiting else 0
        sent = send(runtime)
        left = backlog(runtime.engine)
    print(f"{done} events done, {left.waiting} wait, {left.parked} are parked; {sent} webhooks sent")
    return done
