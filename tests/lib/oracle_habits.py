"""Oracles of the features of streaks, late starts, notice, reasons, replies and trends."""

from datetime import datetime, timedelta
from itertools import takewhile

from domain.vocabulary import ReasonCode
from features.as_of.priors import Priors
from tests.lib.oracle_parts import (
    ORACLE,
    Oracle,
    Row,
    Rows,
    Value,
    finished,
    first_sessions,
    held_or_missed,
    in_hours,
    mean,
    messages_of,
    of_tutor,
    oracle,
    requested_by,
    share,
    shrunk,
)


def cancelled_late(rows: Rows, query: Row, hours: int, days: int | None = 90) -> list[Row]:
    own = [s for s in finished(rows, query, days) if s["status"] == "cancelled" and s["initiated_by"] == "tutor"]
    return [s for s in own if s["starts_at"] - s["outcome_known_at"] < timedelta(hours=hours)]


@oracle
def last_minute_cancellations_4h_90d(rows: Rows, query: Row, priors: Priors) -> Value:
    return len(cancelled_late(rows, query, 4))


@oracle
def last_minute_cancellation_rate_90d(rows: Rows, query: Row, priors: Priors) -> Value:
    return shrunk(priors.last_minute, len(cancelled_late(rows, query, 24)), len(finished(rows, query, 90)))


@oracle
def last_minute_cancellation_rate_4h_90d(rows: Rows, query: Row, priors: Priors) -> Value:
    return shrunk(priors.very_last_minute, len(cancelled_late(rows, query, 4)), len(finished(rows, query, 90)))


def timed(rows: Rows, query: Row, days: int | None) -> list[float]:
    held = [s for s in finished(rows, query, days) if s["status"] in ("completed", "student_no_show")]
    return [s["late_minutes"] for s in held if s["late_minutes"] is not None]


@oracle
def late_minutes_90d(rows: Rows, query: Row, priors: Priors) -> Value:
    minutes = timed(rows, query, 90)
    return share(priors.late_minutes, sum(minutes), len(minutes))


@oracle
def late_minutes_lifetime(rows: Rows, query: Row, priors: Priors) -> Value:
    minutes = timed(rows, query, None)
    return share(priors.late_minutes, sum(minutes), len(minutes))


@oracle
def late_share(rows: Rows, query: Row, priors: Priors) -> Value:
    minutes = timed(rows, query, None)
    return share(priors.late, sum(m > 5 for m in minutes), len(minutes))


def newest_first(rows: Rows, query: Row) -> list[Row]:
    """Finished sessions, the latest known first; if known at the same time, the last in the data first."""
    return sorted(finished(rows, query), key=lambda s: s["outcome_known_at"])[::-1]


def is_broken(rows: Rows, query: Row, s: Row) -> bool:
    return s["status"] == "no_show" or any(s is c for c in cancelled_late(rows, query, 24, None))


@oracle
def kept_streak(rows: Rows, query: Row, priors: Priors) -> Value:
    sessions = newest_first(rows, query)
    since = list(takewhile(lambda s: not is_broken(rows, query, s), sessions))
    return sum(s["status"] in ("completed", "student_no_show") for s in since) if sessions else None


@oracle
def bad_streak(rows: Rows, query: Row, priors: Priors) -> Value:
    sessions = newest_first(rows, query)

    def is_late(s: Row) -> bool:
        return s["status"] in ("completed", "student_no_show") and (s["late_minutes"] or 0) > 5

    def is_good(s: Row) -> bool:
        return s["status"] in ("completed", "student_no_show") and not is_late(s)

    since = list(takewhile(lambda s: not is_good(s), sessions))
    return sum(is_broken(rows, query, s) or is_late(s) for s in since) if sessions else None


@oracle
def student_reschedules_30d(rows: Rows, query: Row, priors: Priors) -> Value:
    return len(requested_by(rows, query, 30, "student"))


@oracle
def student_reschedule_rate_90d(rows: Rows, query: Row, priors: Priors) -> Value:
    moved = len(requested_by(rows, query, 90, "student"))
    return shrunk(priors.student_reschedule, moved, max(len(held_or_missed(rows, query, 90)), moved))


def notices(rows: Rows, query: Row) -> list[float]:
    spans = [r["old_starts_at"] - r["requested_at"] for r in requested_by(rows, query, 90)]
    return [max(in_hours(span), 0) for span in spans]


@oracle
def reschedule_notice_hours_90d(rows: Rows, query: Row, priors: Priors) -> Value:
    return mean(notices(rows, query))


@oracle
def short_notice_share_90d(rows: Rows, query: Row, priors: Priors) -> Value:
    hours = notices(rows, query)
    return share(priors.short_notice, sum(h < 24 for h in hours), len(hours))


def reason_share(code: str) -> Oracle:
    def of(rows: Rows, query: Row, priors: Priors) -> Value:
        codes = [r["reason_code"] for r in requested_by(rows, query, 90) if r["reason_code"] is not None]
        return share(getattr(priors, f"reason_{code}"), codes.count(code), len(codes))

    return of


ORACLE |= {f"{code}_share_90d": reason_share(code) for code in ReasonCode}


@oracle
def silence_ratio(rows: Rows, query: Row, priors: Priors) -> Value:
    recent = sorted(m["sent_at"] for m in messages_of(rows, query, "tutor", 90))
    if len(recent) < 2 or recent[0] == recent[-1]:
        return None
    return (query["as_of"] - recent[-1]) / ((recent[-1] - recent[0]) / (len(recent) - 1))


def answers(rows: Rows, query: Row) -> list[tuple[Row, datetime | None]]:
    """Each message from a student, with the time of the tutor's next message to that student, None if not known yet."""
    questions = [m for m in messages_of(rows, query, "student") if m["student_id"] is not None]

    def answered(question: Row) -> datetime | None:
        own = [m for m in messages_of(rows, query, "tutor") if m["student_id"] == question["student_id"]]
        return min((m["sent_at"] for m in own if m["sent_at"] > question["sent_at"]), default=None)

    return [(m, answered(m)) for m in questions]


@oracle
def unanswered_messages(rows: Rows, query: Row, priors: Priors) -> Value:
    return sum(answered is None for _, answered in answers(rows, query))


@oracle
def answer_hours_30d(rows: Rows, query: Row, priors: Priors) -> Value:
    since = query["as_of"] - timedelta(days=30)
    return mean([in_hours(a - m["sent_at"]) for m, a in answers(rows, query) if a is not None and a >= since])


def trend(weeks: int) -> Oracle:
    def slope(rows: Rows, query: Row, priors: Priors) -> Value:
        sessions, length = finished(rows, query), timedelta(weeks=weeks)
        if not sessions or min(s["outcome_known_at"] for s in sessions) > query["as_of"] - length:
            return None
        middle = query["as_of"] - length / 2
        known = [s["outcome_known_at"] for s in held_or_missed(rows, query, 7 * weeks)]
        return sum(12 * ((k - middle) / timedelta(weeks=1)) / weeks**3 for k in known)

    return slope


ORACLE |= {f"sessions_trend_{weeks}w": trend(weeks) for weeks in (4, 8, 12)}


def taught(rows: Rows, query: Row, days: int) -> Value:
    delivered = [s for s in finished(rows, query, days) if s["status"] in ("completed", "student_no_show")]
    hours = []
    for s in delivered:
        if s["duration_minutes"] is not None:
            hours.append(s["duration_minutes"] / 60)
        elif s["ends_at"] is not None:
            hours.append(in_hours(s["ends_at"] - s["starts_at"]))
    return None if delivered and not hours else sum(hours)


@oracle
def taught_hours_30d(rows: Rows, query: Row, priors: Priors) -> Value:
    return taught(rows, query, 30)


@oracle
def taught_hours_90d(rows: Rows, query: Row, priors: Priors) -> Value:
    return taught(rows, query, 90)


@oracle
def taught_hours_change(rows: Rows, query: Row, priors: Priors) -> Value:
    recent, baseline = taught(rows, query, 30), taught(rows, query, 90)
    return None if recent is None or not baseline else recent * 3 / baseline


@oracle
def first_session_lost_rate(rows: Rows, query: Row, priors: Priors) -> Value:
    deadlines = [(first, first["outcome_known_at"] + timedelta(days=14)) for first in first_sessions(rows, query, None)]
    judged = [(first, deadline) for first, deadline in deadlines if deadline < query["as_of"]]
    lost = sum(not followed(rows, query, first, deadline) for first, deadline in judged)
    return shrunk(priors.led_nowhere, lost, len(judged))


def followed(rows: Rows, query: Row, first: Row, deadline: datetime) -> bool:
    """Whether another session of the pair was booked at the deadline, or had been held or missed by then."""
    others = [s for s in of_tutor(rows, "sessions", query) if s["student_id"] == first["student_id"] and s is not first]
    booked = [s for s in others if s["booked_at"] < deadline]
    return any(
        s["status"] != "cancelled" or s["outcome_known_at"] is None or s["outcome_known_at"] >= deadline for s in booked
    )
