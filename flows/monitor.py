"""Flow `monitor`: drift of last week's columns against the training window, reported by mail."""

import argparse
import os
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from prefect import flow
from prefect.cache_policies import NO_CACHE

from domain.errors import NotEnoughData
from domain.horizons import NO_SHOW_LEAD
from domain.vocabulary import Task
from features.base.local_time import PARTS_OF_DAY, WEEKDAYS
from features.catalogue import NO_SHOW_FEATURES
from flows import standalone
from flows.build_features import FILE
from flows.recorded import recorded
from flows.score import load_champions
from flows.tasks import task
from gateways.clock import utc_now
from gateways.settings import dashboard_url
from jobs.mail import send_mails
from jobs.runtime import Runtime, moment, open_runtime
from monitoring.decision import DriftReport
from monitoring.drift import drift_report
from monitoring.words import drift_mail
from store.outgoing.mail import enqueue_mail

CURRENT = timedelta(days=7)
"""Length of the current window of finished sessions, whose as-of moments are a day before their starts."""

WARM_UP = timedelta(days=90)
"""Longest window of a column; rows closer to the beginning of the data have incomplete windows."""


@task(timeout_seconds=120, cache_policy=NO_CACHE)
def load_columns(runtime: Runtime) -> pa.Table:
    """The newest feature snapshot. Raises NotEnoughData without one."""
    path = runtime.features / FILE
    if not path.exists():
        raise NotEnoughData(f"{path}: no feature snapshot yet. Run `python -m flows.build_features` first.")
    return pq.read_table(path)


def compare(snapshot: pa.Table, trained_before: datetime, as_of: datetime, seed: int) -> DriftReport:
    """Drift of the week before `as_of` against the champion's training window, without incomplete windows.

    Raises NotEnoughData for an empty snapshot.
    """
    if not snapshot.num_rows:
        raise NotEnoughData("the feature snapshot is empty: no session is finished yet, so there is nothing to compare")
    moments = snapshot["as_of"]
    begin = pc.min(moments).as_py() + WARM_UP
    trained = pc.less(moments, pa.scalar(trained_before, moments.type))
    reference = snapshot.filter(pc.and_(pc.greater_equal(moments, pa.scalar(begin, moments.type)), trained))
    current = snapshot.filter(pc.greater_equal(moments, pa.scalar(as_of - CURRENT - NO_SHOW_LEAD, moments.type)))
    return drift_report(
        _columns(reference),
        _columns(current),
        about=f"No-show model, week to {as_of:%Y-%m-%d}",
        categories={"weekday": WEEKDAYS, "part_of_day": PARTS_OF_DAY},
        growing=tuple(f.name for f in NO_SHOW_FEATURES if f.growing),
        seed=seed,
    )


def _columns(table: pa.Table) -> dict[str, NDArray[np.float32]]:
    return {f.name: table[f.name].to_numpy() for f in NO_SHOW_FEATURES}


@task(timeout_seconds=120, cache_policy=NO_CACHE)
def save(runtime: Runtime, report: DriftReport, as_of: datetime, now: datetime) -> None:
    """Write the page into the data folder and enqueue the mail, once a day."""
    folder = runtime.settings.data_dir / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    name = f"drift-{as_of:%Y-%m-%d}.html"
    (folder / name).write_bytes(report.html)
    mail = drift_mail(report, runtime.settings.mail_to, f"{dashboard_url(runtime.settings)}/reports/{name}")
    enqueue_mail(runtime.engine, mail, "drift", f"drift {as_of:%Y-%m-%d}", now)


@task(timeout_seconds=300, cache_policy=NO_CACHE)
def deliver_mails(runtime: Runtime, now: datetime) -> int:
    """Send queued mails. Returns the number sent."""
    return send_mails(runtime.engine, runtime.settings, now)


@flow(name="monitor", log_prints=True, timeout_seconds=1800)
@recorded
def monitor(as_of: str | None = None) -> str:
    """Check the week before a moment (ISO 8601; now by default) for drift. Returns the decision in words."""
    with open_runtime(os.environ) as runtime:
        champion = load_champions(runtime)[Task.NO_SHOW]
        if champion is None:
            print("no model is registered yet: nothing to compare with; run `tqs train` first")
            return "no model"
        now = utc_now()
        at = moment(as_of, now)
        report = compare(load_columns(runtime), champion.model.sidecar.known_before, at, runtime.settings.seed)
        save(runtime, report, at, now)
        sent = deliver_mails(runtime, now)
    return f"{report.decision}, {sent} mail{'' if sent == 1 else 's'} sent"


def main() -> None:
    """Run the flow from the command line: `python -m flows.monitor`, or MLproject's entry point `monitor`."""
    parser = argparse.ArgumentParser(description=monitor.__doc__)
    parser.add_argument("--as-of", default="", help="ISO 8601 with an offset; now by default")
    standalone.main(monitor, as_of=parser.parse_args().as_of or None)


if __name__ == "__main__":
    main()
