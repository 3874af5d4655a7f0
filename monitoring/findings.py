"""Health findings of `tqs doctor`, and the limits between ok, warning and fault."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Level(StrEnum):
    """Severity of a finding. A fault needs a person; a warning can wait."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True)
class Finding:
    """One line of the report: the observed state and what to do. `unavailable`: a service does not answer."""

    check: str
    level: Level
    what: str
    advice: str = ""
    unavailable: bool = False


WORKER_SILENT = timedelta(minutes=2)
INBOX_SLOW, INBOX_STUCK = timedelta(minutes=2), timedelta(minutes=15)
MODEL_OLD = timedelta(days=90)
SKEW_WARNING, SKEW_FAULT = timedelta(seconds=2), timedelta(seconds=30)
MAIL_SLOW = timedelta(hours=1)
FREE_WARNING, FREE_FAULT = 2 << 30, 500 << 20


def unavailable(check: str, reason: str, advice: str) -> Finding:
    """A fault: a service does not answer."""
    return Finding(check, Level.FAULT, reason, advice, unavailable=True)


def unknown(check: str, cause: str) -> Finding:
    """A warning: the check depends on something that is unavailable."""
    return Finding(check, Level.WARNING, f"not checked: {cause}", "Fix that first, then run `tqs doctor` again.")


def judge_schema(current: str | None, needed: str) -> Finding:
    """The database schema against the newest migration of this code."""
    if current == needed:
        return Finding("schema", Level.OK, f"version {current}")
    advice = "Start the API, a worker or any flow of this version: each migrates the database first."
    if current is not None and current > needed:
        advice = "This code is older than the database schema: install the newer version, or restore a backup."
    return Finding("schema", Level.FAULT, f"version {current or 'none'}, this code requires {needed}", advice)


def judge_clock(skew: timedelta) -> Finding:
    """Clock of this machine against that of the database; `skew` is positive if this machine is ahead."""
    what = f"{abs(skew.total_seconds()):.1f} s {'ahead of' if skew > timedelta(0) else 'behind'} the database"
    if abs(skew) < SKEW_WARNING:
        return Finding("clock", Level.OK, what)
    level = Level.WARNING if abs(skew) < SKEW_FAULT else Level.FAULT
    return Finding("clock", level, what, "Synchronise the clocks (NTP): leases and scores depend on them.")


def judge_worker(seen: Sequence[tuple[str, datetime]], now: datetime) -> Finding:
    """Workers, as (name, last heartbeat)."""
    alive = [name for name, at in seen if now - at < WORKER_SILENT]
    if alive:
        return Finding("worker", Level.OK, f"{len(alive)} alive: {', '.join(alive)}")
    if not seen:
        return Finding("worker", Level.FAULT, "no worker has ever run", "Start `tqs worker`.")
    name, at = max(seen, key=lambda worker: worker[1])
    what = f"no worker is alive; {name} was last seen {at:%Y-%m-%d %H:%M:%S} UTC"
    return Finding("worker", Level.FAULT, what, "Start `tqs worker`; read its log for why it stopped.")


def judge_inbox(waiting: int, oldest_due: datetime | None, parked: int, now: datetime) -> Finding:
    """Due and parked events. `oldest_due`: time of receipt of the oldest due event."""
    age = now - oldest_due if oldest_due else timedelta(0)
    what = f"{waiting} due" + (f", the oldest for {_span(age)}" if oldest_due else "") + f"; {parked} parked"
    if age >= INBOX_STUCK:
        return Finding("inbox", Level.FAULT, what, "The workers do not keep up: start `tqs worker`, or more of them.")
    if parked:
        return Finding("inbox", Level.FAULT, what, "Read the reasons with `tqs inbox`, then `tqs inbox retry`.")
    if age >= INBOX_SLOW:
        return Finding(
            "inbox", Level.WARNING, what, "Check again in a few minutes; start another `tqs worker` if it grows."
        )
    return Finding("inbox", Level.OK, what)


def judge_model(task: str, champion: tuple[str, datetime] | None, now: datetime) -> Finding:
    """The champion of a task, as (version, time of its promotion)."""
    if champion is None:
        return Finding(f"model {task}", Level.WARNING, "no champion", "Run `tqs train`; it reports what is missing.")
    version, since = champion
    what = f"version {version}, champion since {since:%Y-%m-%d} ({(now - since).days} days)"
    if now - since < MODEL_OLD:
        return Finding(f"model {task}", Level.OK, what)
    return Finding(
        f"model {task}", Level.WARNING, what, "See in `tqs models list` why no newer version passed the gate."
    )


def judge_outbox(counts: Mapping[str, int], oldest_pending: datetime | None, now: datetime) -> Finding:
    """Outgoing mails: counts by status, and when the oldest pending one was queued."""
    parts = [f"{counts[status]} {status}" for status in ("failed", "unknown", "pending") if counts.get(status)]
    what = ", ".join(parts) or "no mail waiting"
    if counts.get("failed"):
        return Finding(
            "outbox", Level.FAULT, what, "Correct TQS_SMTP_URL or TQS_MAIL_TO; the next report is sent again."
        )
    if counts.get("unknown"):
        return Finding(
            "outbox", Level.WARNING, what, "Ask the recipient whether the mail arrived: it is not sent twice."
        )
    if oldest_pending and now - oldest_pending > MAIL_SLOW:
        return Finding("outbox", Level.WARNING, what, "The next run of the flow `monitor` sends it.")
    return Finding("outbox", Level.OK, what)


def judge_disk(folder: str, free: int, total: int) -> Finding:
    """Free space on the disk of a folder; `free` and `total` in bytes."""
    what = f"{free / (1 << 30):.1f} of {total / (1 << 30):.0f} GB free at {folder}"
    if free >= FREE_WARNING:
        return Finding("disk", Level.OK, what)
    level = Level.WARNING if free >= FREE_FAULT else Level.FAULT
    return Finding("disk", level, what, "Free some space: a full disk stops the database and everything that uses it.")


def _span(age: timedelta) -> str:
    seconds = int(age.total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
