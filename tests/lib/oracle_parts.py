"""Parts shared by the oracles: lists of dicts, datetimes, one query at a time."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from features.as_of.priors import Prior, Priors

Row = dict[str, Any]
Rows = dict[str, list[Row]]
Value = float | None
Oracle = Callable[[Rows, Row, Priors], Value]

ORACLE: dict[str, Oracle] = {}
"""Oracle of each column by name."""


def oracle(function: Oracle) -> Oracle:
    ORACLE[function.__name__] = function
    return function


def known_in(events: list[Row], field: str, query: Row, days: int | None) -> list[Row]:
    """Events that became known before the query, and within the last `days`."""
    as_of = query["as_of"]
    seen = [e for e in events if e[field] is not None and e[field] < as_of]
    return [e for e in seen if days is None or e[field] >= as_of - timedelta(days=days)]


def is_known(rows: Rows, query: Row) -> bool:
    return any(t["tutor_id"] == query["tutor_id"] for t in rows["tutors"])


def of_tutor(rows: Rows, kind: str, query: Row) -> list[Row]:
    if not is_known(rows, query):
        return []
    return [r for r in rows[kind] if r["tutor_id"] == query["tutor_id"]]


def finished(rows: Rows, query: Row, days: int | None = None) -> list[Row]:
    over = [s for s in of_tutor(rows, "sessions", query) if s["status"] != "booked"]
    return known_in(over, "outcome_known_at", query, days)


def held_or_missed(rows: Rows, query: Row, days: int | None = None) -> list[Row]:
    return [s for s in finished(rows, query, days) if s["status"] in ("no_show", "completed", "student_no_show")]


def missed(sessions: list[Row]) -> int:
    return sum(s["status"] == "no_show" for s in sessions)


def labelled(sessions: list[Row]) -> int:
    return sum(s["status"] in ("no_show", "completed", "student_no_show") for s in sessions)


def shrunk(prior: Prior, events: float, n: float) -> float:
    return (events + prior.rate * prior.strength) / (n + prior.strength)


def hours_since(events: list[Row], field: str, query: Row) -> Value:
    if not events:
        return None
    return (query["as_of"] - max(e[field] for e in events)) / timedelta(hours=1)


def share(prior: Prior, events: float, n: float) -> Value:
    """A shrunk share; missing where the denominator is 0."""
    return shrunk(prior, events, n) if n else None


def in_hours(span: timedelta) -> float:
    return span / timedelta(hours=1)


def days(hours: Value) -> Value:
    return None if hours is None else hours / 24


def local(rows: Rows, tutor_id: str, moment: datetime) -> datetime:
    zones = {t["tutor_id"]: t["timezone"] for t in rows["tutors"]}
    return moment.astimezone(ZoneInfo(zones.get(tutor_id) or "UTC"))


def slot(rows: Rows, session: Row) -> tuple[int, int]:
    there = local(rows, session["tutor_id"], session["starts_at"])
    return there.weekday(), there.hour // 6


def pair_history(rows: Rows, query: Row) -> list[Row]:
    student = query["session"]["student_id"]
    if not any(s["student_id"] == student for s in rows["students"]):
        return []
    return [s for s in held_or_missed(rows, query) if s["student_id"] == student]


def first_sessions(rows: Rows, query: Row, days: int | None) -> list[Row]:
    """The tutor's first held or missed session per student; the first in the data if known at the same time."""
    first: dict[str, Row] = {}
    for s in sorted(held_or_missed(rows, query), key=lambda s: s["outcome_known_at"]):
        if any(s["student_id"] == known["student_id"] for known in rows["students"]):
            first.setdefault(s["student_id"], s)
    return known_in(list(first.values()), "outcome_known_at", query, days)


def requested_by(rows: Rows, query: Row, days: int, party: str = "tutor") -> list[Row]:
    requested = [r for r in of_tutor(rows, "reschedules", query) if r["initiator"] == party]
    return known_in(requested, "requested_at", query, days)


def messages_of(rows: Rows, query: Row, sender: str, days: int | None = None) -> list[Row]:
    written = [m for m in of_tutor(rows, "messages", query) if m["sender"] == sender]
    return known_in(written, "sent_at", query, days)


def mean(values: list[float]) -> Value:
    return sum(values) / len(values) if values else None


def mean_rating(sessions: list[Row]) -> Value:
    return mean([s["rating"] for s in sessions if s["rating"] is not None])
