"""Flow `retention`: nightly deletion of rows older than their retention period."""

import os

from prefect import flow

from domain.retention import Kept, Periods
from flows import standalone
from flows.recorded import recorded
from gateways.clock import utc_now
from gateways.settings import keep_periods
from jobs.runtime import open_runtime
from store.access.rate_limits import PostgresStorage
from store.operations.retention import sweep


@flow(name="retention", log_prints=True, timeout_seconds=7200)
@recorded
def retention() -> dict[str, int]:
    """Delete rows older than the settings TQS_KEEP_… allow, and expired rate-limit counters. Returns rows by kind."""
    with open_runtime(os.environ) as runtime:
        removed = sweep(runtime.engine, keep_periods(runtime.settings), utc_now())
        expired = PostgresStorage(runtime.engine).prune()
    print(in_words(removed, keep_periods(runtime.settings)))
    print(f"removed expired rate-limit counters: {expired:,}")
    return {kind.value: count for kind, count in removed.items()} | {"rate_limits": expired}


def in_words(removed: dict[Kept, int], periods: Periods) -> str:
    """Sentence with the deleted rows by kind and their periods."""
    parts = [f"{kind}: {count:,} (older than {periods[kind].days} days)" for kind, count in removed.items()]
    return "removed " + ", ".join(parts) if parts else "nothing is ever removed: every TQS_KEEP_… is 0"


if __name__ == "__main__":
    standalone.main(retention)
