"""Every feature again, the slow and obvious way: lists of dicts, datetimes, one query at a time.

A function is named as its column and takes (rows by kind, query, priors). A query is a dict of `tutor_id`, `as_of`
and `session` (a dict or None). None is a missing value.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from features.priors import Prior, Priors

Row = dict[str, Any]
Rows = dict[str, list[Row]]
Value = float | None
Oracle = Callable[[Rows, Row, Priors], Value]

ORACLE: dict[str, Oracle] = {}
"""The oracle of each column, by name."""


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
    return [s for s in finished(rows, query) if s["student_id"] == student]


def first_sessions(rows: Rows, query: Row, days: int) -> list[Row]:
    """The tutor's first finished session with each student; of equal known-times the first in the data."""
    first: dict[str, Row] = {}
    for s in sorted(finished(rows, query), key=lambda s: s["outcome_known_at"]):
        if any(s["student_id"] == known["student_id"] for known in rows["students"]):
            first.setdefault(s["student_id"], s)
    return known_in(list(first.values()), "outcome_known_at", query, days)


def asked_by_tutor(rows: Rows, query: Row, days: int) -> list[Row]:
    asked = [r for r in of_tutor(rows, "reschedules", query) if r["initiator"] == "tutor"]
    return known_in(asked, "requested_at", query, days)


def messages_of(rows: Rows, query: Row, sender: str, days: int | None = None) -> list[Row]:
    written = [m for m in of_tutor(rows, "messages", query) if m["sender"] == sender]
    return known_in(written, "sent_at", query, days)


def mean_rating(sessions: list[Row]) -> Value:
    ratings = [s["rating"] for s in sessions if s["rating"] is not None]
    return sum(ratings) / len(ratings) if ratings else None


@oracle
def no_shows_30d(rows: Rows, query: Row, priors: Priors) -> Value:
    return missed(finished(rows, query, 30))


@oracle
def no_shows_90d(rows: Rows, query: Row, priors: Priors) -> Value:
    return missed(finished(rows, query, 90))


@oracle
def no_shows_lifetime(rows: Rows, query: Row, priors: Priors) -> Value:
    return missed(finished(rows, query))


@oracle
def no_show_rate(rows: Rows, query: Row, priors: Priors) -> Value:
    sessions = finished(rows, query)
    return shrunk(priors.no_show, missed(sessions), labelled(sessions))


@oracle
def no_show_rate_90d(rows: Rows, query: Row, priors: Priors) -> Value:
    sessions = finished(rows, query, 90)
    return shrunk(priors.no_show, missed(sessions), labelled(sessions))


@oracle
def last_minute_cancellations_90d(rows: Rows, query: Row, priors: Priors) -> Value:
    cancelled = [s for s in finished(rows, query, 90) if s["status"] == "cancelled" and s["initiated_by"] == "tutor"]
    return sum(s["starts_at"] - s["outcome_known_at"] < timedelta(hours=24) for s in cancelled)


@oracle
def reschedules_7d(rows: Rows, query: Row, priors: Priors) -> Value:
    return len(asked_by_tutor(rows, query, 7))


@oracle
def reschedules_30d(rows: Rows, query: Row, priors: Priors) -> Value:
    return len(asked_by_tutor(rows, query, 30))


@oracle
def reschedules_90d(rows: Rows, query: Row, priors: Priors) -> Value:
    return len(asked_by_tutor(rows, query, 90))


def _reschedule_rate(rows: Rows, query: Row, priors: Priors, days: int) -> float:
    moved = len(asked_by_tutor(rows, query, days))
    return shrunk(priors.reschedule, moved, max(len(finished(rows, query, days)), moved))


@oracle
def reschedule_rate_7d(rows: Rows, query: Row, priors: Priors) -> Value:
    return _reschedule_rate(rows, query, priors, 7)


@oracle
def reschedule_rate_30d(rows: Rows, query: Row, priors: Priors) -> Value:
    return _reschedule_rate(rows, query, priors, 30)


@oracle
def reschedule_rate_90d(rows: Rows, query: Row, priors: Priors) -> Value:
    return _reschedule_rate(rows, query, priors, 90)


@oracle
def silence_hours(rows: Rows, query: Row, priors: Priors) -> Value:
    return hours_since(messages_of(rows, query, "tutor"), "sent_at", query)


@oracle
def messages_7d(rows: Rows, query: Row, priors: Priors) -> Value:
    return len(messages_of(rows, query, "tutor", 7))


@oracle
def attention_30d(rows: Rows, query: Row, priors: Priors) -> Value:
    return len(messages_of(rows, query, "platform", 30))


@oracle
def hours_to_start(rows: Rows, query: Row, priors: Priors) -> Value:
    return (query["session"]["starts_at"] - query["as_of"]) / timedelta(hours=1)


@oracle
def lead_hours(rows: Rows, query: Row, priors: Priors) -> Value:
    return (query["session"]["starts_at"] - query["session"]["booked_at"]) / timedelta(hours=1)


@oracle
def weekday(rows: Rows, query: Row, priors: Priors) -> Value:
    return local(rows, query["tutor_id"], query["session"]["starts_at"]).weekday()


@oracle
def hour(rows: Rows, query: Row, priors: Priors) -> Value:
    return local(rows, query["tutor_id"], query["session"]["starts_at"]).hour


@oracle
def own_slot_no_show_rate(rows: Rows, query: Row, priors: Priors) -> Value:
    mine = slot(rows, query["session"])
    sessions = [s for s in finished(rows, query) if slot(rows, s) == mine]
    return shrunk(priors.slot_no_show, missed(sessions), labelled(sessions))


@oracle
def pair_sessions(rows: Rows, query: Row, priors: Priors) -> Value:
    return len(pair_history(rows, query))


@oracle
def pair_days_since_last(rows: Rows, query: Row, priors: Priors) -> Value:
    return days(hours_since(pair_history(rows, query), "outcome_known_at", query))


@oracle
def load_7d(rows: Rows, query: Row, priors: Priors) -> Value:
    return len(finished(rows, query, 7))


@oracle
def load_30d(rows: Rows, query: Row, priors: Priors) -> Value:
    return len(finished(rows, query, 30))


def daily_change(recent: int, days: int, usual: int, usual_days: int) -> Value:
    return (recent / days) / (usual / usual_days) if usual else None


@oracle
def load_change(rows: Rows, query: Row, priors: Priors) -> Value:
    return daily_change(len(finished(rows, query, 7)), 7, len(finished(rows, query, 30)), 30)


@oracle
def load_change_90d(rows: Rows, query: Row, priors: Priors) -> Value:
    return daily_change(len(finished(rows, query, 14)), 14, len(finished(rows, query, 90)), 90)


@oracle
def messages_change_90d(rows: Rows, query: Row, priors: Priors) -> Value:
    recent, usual = (len(messages_of(rows, query, "tutor", span)) for span in (14, 90))
    return daily_change(recent, 14, usual, 90)


@oracle
def tenure_days(rows: Rows, query: Row, priors: Priors) -> Value:
    for tutor in rows["tutors"]:
        started_at = tutor["started_at"]
        if tutor["tutor_id"] == query["tutor_id"] and started_at is not None and started_at < query["as_of"]:
            return (query["as_of"] - started_at) / timedelta(days=1)
    return None


@oracle
def days_since_last_session(rows: Rows, query: Row, priors: Priors) -> Value:
    delivered = [s for s in finished(rows, query) if s["status"] in ("completed", "student_no_show")]
    return days(hours_since(delivered, "outcome_known_at", query))


@oracle
def rating_90d(rows: Rows, query: Row, priors: Priors) -> Value:
    return mean_rating(finished(rows, query, 90))


@oracle
def first_session_rating_90d(rows: Rows, query: Row, priors: Priors) -> Value:
    return mean_rating(first_sessions(rows, query, 90))


@oracle
def first_sessions_30d(rows: Rows, query: Row, priors: Priors) -> Value:
    return len(first_sessions(rows, query, 30))


def warning_moment(session: Row) -> datetime:
    """24 h before the start, or when the start became known, if later."""
    known = [session["starts_at"] - timedelta(hours=24), session["booked_at"], session["scheduled_at"]]
    return max(moment.astimezone(UTC) for moment in known if moment is not None)
