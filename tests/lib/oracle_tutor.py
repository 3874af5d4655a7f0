"""Oracles of the features of a tutor."""

from datetime import timedelta

from features.as_of.priors import Priors
from tests.lib.oracle_parts import (
    Row,
    Rows,
    Value,
    days,
    finished,
    first_sessions,
    held_or_missed,
    hours_since,
    labelled,
    mean_rating,
    messages_of,
    missed,
    oracle,
    requested_by,
    shrunk,
)


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
    return len(requested_by(rows, query, 7))


@oracle
def reschedules_30d(rows: Rows, query: Row, priors: Priors) -> Value:
    return len(requested_by(rows, query, 30))


@oracle
def reschedules_90d(rows: Rows, query: Row, priors: Priors) -> Value:
    return len(requested_by(rows, query, 90))


def _reschedule_rate(rows: Rows, query: Row, priors: Priors, days: int) -> float:
    moved = len(requested_by(rows, query, days))
    return shrunk(priors.reschedule, moved, max(len(held_or_missed(rows, query, days)), moved))


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
def messages_14d(rows: Rows, query: Row, priors: Priors) -> Value:
    return len(messages_of(rows, query, "tutor", 14))


@oracle
def messages_30d(rows: Rows, query: Row, priors: Priors) -> Value:
    return len(messages_of(rows, query, "tutor", 30))


@oracle
def messages_60d(rows: Rows, query: Row, priors: Priors) -> Value:
    return len(messages_of(rows, query, "tutor", 60))


@oracle
def attention_30d(rows: Rows, query: Row, priors: Priors) -> Value:
    return len(messages_of(rows, query, "platform", 30))


@oracle
def load_7d(rows: Rows, query: Row, priors: Priors) -> Value:
    return len(held_or_missed(rows, query, 7))


@oracle
def load_30d(rows: Rows, query: Row, priors: Priors) -> Value:
    return len(held_or_missed(rows, query, 30))


def daily_change(recent: int, days: int, baseline: int, baseline_days: int) -> Value:
    return (recent / days) / (baseline / baseline_days) if baseline else None


@oracle
def load_change(rows: Rows, query: Row, priors: Priors) -> Value:
    return daily_change(len(held_or_missed(rows, query, 7)), 7, len(held_or_missed(rows, query, 30)), 30)


@oracle
def load_change_90d(rows: Rows, query: Row, priors: Priors) -> Value:
    return daily_change(len(held_or_missed(rows, query, 14)), 14, len(held_or_missed(rows, query, 90)), 90)


@oracle
def messages_change_90d(rows: Rows, query: Row, priors: Priors) -> Value:
    recent, baseline = (len(messages_of(rows, query, "tutor", span)) for span in (14, 90))
    return daily_change(recent, 14, baseline, 90)


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
