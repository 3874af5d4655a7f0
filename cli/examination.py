"""Health check of an installation: starts nothing, and an unavailable part does not stop the other checks."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path

from domain.errors import DatabaseUnavailable, EngineUnavailable, MailNotSent, RegistryUnavailable
from domain.vocabulary import Task
from gateways.crons import last_due, next_due
from gateways.embedded_postgres.probe import existing_database
from gateways.mail import check_server
from gateways.prefect_server.probe import active_deployments, prefect_address
from gateways.registry.reachability import check_reachable
from gateways.settings import Settings
from monitoring import findings as judge
from monitoring.findings import Finding, Level
from monitoring.schedules import judge_schedule, schedule_states
from store.db.engine import Engine, make_engine
from store.operations.health import champion_since, clock_and_size, inbox_counts, outbox_counts, schema_versions
from store.operations.schedules import registered_schedules, run_summaries
from store.operations.workers import seen_workers

SECONDS = 3
"""Seconds within which a service must respond."""

Now = Callable[[], datetime]


def examine(settings: Settings, environ: Mapping[str, str], now: Now) -> list[Finding]:
    """All findings in a fixed order: database, schedules, worker and inbox, models, Prefect, MLflow, mail, disk."""
    parts = (
        partial(_database, settings, now),
        partial(_prefect, settings, environ),
        partial(_mlflow, settings, environ),
        partial(_mail, settings),
        partial(_disk, settings.data_dir.absolute()),
    )
    with ThreadPoolExecutor(len(parts)) as pool:
        return [finding for found in pool.map(_safely, parts) for finding in found]


def _safely(part: "partial[Sequence[Finding]]") -> Sequence[Finding]:
    """Findings of a part. An error of the check itself is a finding, so that the other parts are still shown."""
    try:
        return part()
    except Exception as error:
        name = part.func.__name__.removeprefix("_")
        what = f"the check itself failed: {type(error).__name__}: {str(error).splitlines()[:1]}"
        return [Finding(name, Level.FAULT, what, "Report this with the version of the program.")]


def _database(settings: Settings, now: Now) -> list[Finding]:
    try:
        engine = make_engine(existing_database(settings))
    except DatabaseUnavailable as error:
        return _without_database(str(error))
    try:
        return _connected(engine, now)
    except DatabaseUnavailable as error:
        return _without_database(str(error))
    finally:
        engine.dispose()


def _without_database(reason: str) -> list[Finding]:
    advice = "Start PostgreSQL, or correct DATABASE_URL; an embedded one starts with any service of ours."
    rest = ("schema", "clock", "schedules", "worker", "inbox", "models", "outbox")
    return [
        judge.unavailable("database", reason, advice),
        *(judge.unknown(check, "the database is away") for check in rest),
    ]


def _connected(engine: Engine, now: Now) -> list[Finding]:
    before = now()
    database_now, size = clock_and_size(engine)
    skew = before + (now() - before) / 2 - database_now
    schema = judge.judge_schema(*schema_versions(engine))
    findings = [
        Finding("database", Level.OK, f"answers, {size / (1 << 20):,.0f} MB"),
        schema,
        judge.judge_clock(skew),
    ]
    if schema.level is not Level.OK:
        rest = ("schedules", "worker", "inbox", "models", "outbox")
        return findings + [judge.unknown(check, "the schema has another version") for check in rest]
    return findings + _contents(engine, now())


def _contents(engine: Engine, now: datetime) -> list[Finding]:
    inbox, (mails, oldest) = inbox_counts(engine, now), outbox_counts(engine, now)
    workers = [(f"process {worker.pid} on {worker.host}", worker.seen_at) for worker in seen_workers(engine)]
    return [
        *_schedules(engine, now),
        judge.judge_worker(workers, now),
        judge.judge_inbox(inbox.due, inbox.oldest, inbox.parked, now),
        *(judge.judge_model(task, champion_since(engine, task), now) for task in Task),
        judge.judge_outbox(mails, oldest, now),
    ]


def _schedules(engine: Engine, now: datetime) -> list[Finding]:
    states = schedule_states(registered_schedules(engine), run_summaries(engine), now, last_due, next_due)
    if not states:
        what = "none was ever served: nothing runs by itself"
        return [Finding("schedules", Level.FAULT, what, "Start `python -m flows.schedules`.")]
    return [judge_schedule(state, now) for state in states]


def _prefect(settings: Settings, environ: Mapping[str, str]) -> list[Finding]:
    from gateways.crons import read_schedules

    try:
        active = active_deployments(*prefect_address(settings, environ), SECONDS)
    except EngineUnavailable as error:
        advice = "Start `python -m flows.server`; PREFECT_API_URL and TQS_PREFECT_AUTH must be those of the server."
        return [judge.unavailable("prefect", str(error), advice)]
    missing = sorted(read_schedules(settings.schedules).keys() - active)
    if missing:
        what = f"answers; without an active deployment: {', '.join(missing)}"
        return [Finding("prefect", Level.FAULT, what, "Start `python -m flows.schedules`, or unpause at Prefect.")]
    return [Finding("prefect", Level.OK, f"answers; {len(active)} deployments are active")]


def _mlflow(settings: Settings, environ: Mapping[str, str]) -> list[Finding]:
    uri = environ.get("MLFLOW_TRACKING_URI")
    try:
        uri = uri or existing_database(settings).rsplit("/", 1)[0] + "/mlflow"
        check_reachable(uri, SECONDS)
    except DatabaseUnavailable:
        return [judge.unknown("mlflow", "its runs are in the database, which is away")]
    except RegistryUnavailable as error:
        return [judge.unavailable("mlflow", str(error).splitlines()[0], "Start it, or correct MLFLOW_TRACKING_URI.")]
    return [Finding("mlflow", Level.OK, "the tracking store answers")]


def _mail(settings: Settings) -> list[Finding]:
    if not settings.smtp_url:
        return [Finding("mail", Level.WARNING, "TQS_SMTP_URL is not set: nothing is mailed", "Set it.")]
    try:
        check_server(settings.smtp_url, settings.mail_from, SECONDS)
    except MailNotSent as error:
        return [judge.unavailable("mail", str(error), "Start the mail server, or correct TQS_SMTP_URL.")]
    return [Finding("mail", Level.OK, "the mail server answers")]


def _disk(folder: Path) -> list[Finding]:
    """Free space on the disk of the data folder (shared by an embedded database) or its nearest existing parent."""
    there = next(one for one in (folder, *folder.parents) if one.exists())
    usage = shutil.disk_usage(there)
    return [judge.judge_disk(str(folder), usage.free, usage.total)]
