"""A column's value as a person would say it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from domain.scores import percent
from domain.vocabulary import ReasonCode
from features.base.local_time import PARTS_OF_DAY, WEEKDAYS

Phrase = Callable[[float], tuple[str, str]]
"""A value as an amount and what it is an amount of: ("3", "no-shows so far")."""


def count(noun: str, when: str) -> Phrase:
    """3 | no-shows in the last 30 days."""
    return lambda value: (f"{round(value):,}", f"{noun if round(value) == 1 else noun + 's'} {when}")


def share(what: str) -> Phrase:
    """12 % | of sessions rescheduled; takes a fraction."""
    return lambda value: (percent(value), what)


def about(what: str) -> Phrase:
    """12 % | of sessions missed, for a rate pulled toward the marketplace's; takes a fraction."""
    return lambda value: (f"about {percent(value)}", what)


def duration(what: str) -> Phrase:
    """31 hours | since the tutor last wrote, in days from two days on; takes hours."""
    return lambda hours: (_hours(hours), what)


def days(what: str) -> Phrase:
    """The same for a value in days."""
    return lambda value: (_hours(value * 24), what)


def rating(what: str) -> Phrase:
    """3.4 stars | on average."""
    return lambda value: (f"{value:.1f} stars", what)


def hours(what: str) -> Phrase:
    """31 hours | taught, never in days."""
    return lambda value: (f"{value:,.0f} hour{'' if round(value) == 1 else 's'}", what)


def minutes(what: str) -> Phrase:
    """3.4 minutes | late on average."""
    return lambda value: (f"{value:.1f} minutes", what)


def times(what: str) -> Phrase:
    """2.5 times | the usual gap."""
    return lambda value: (f"{value:.1f} times", what)


def trend(when: str) -> Phrase:
    """-0.4 | weekly sessions from week to week, over 4 weeks."""
    return lambda value: (f"{value:+.1f}", f"weekly sessions from week to week, {when}")


def at(words: Callable[[float], str]) -> Phrase:
    """A value that is no amount, such as a weekday."""
    return lambda value: (words(value), "")


PHRASES: Mapping[str, Phrase] = MappingProxyType(
    {
        "no_shows_30d": count("no-show", "in the last 30 days"),
        "no_shows_90d": count("no-show", "in the last 90 days"),
        "no_shows_lifetime": count("no-show", "so far"),
        "no_show_rate": about("of sessions so far missed"),
        "no_show_rate_90d": about("of sessions in the last 90 days missed"),
        "last_minute_cancellations_90d": count("last-minute cancellation", "in the last 90 days"),
        "kept_streak": count("session", "kept in a row"),
        "bad_streak": count("session", "on end missed, called off at the last minute or begun late"),
        "last_minute_cancellations_4h_90d": count("cancellation", "less than 4 h before, in the last 90 days"),
        "last_minute_cancellation_rate_90d": about("of sessions in the last 90 days called off under 24 h ahead"),
        "last_minute_cancellation_rate_4h_90d": about("of sessions in the last 90 days called off under 4 h ahead"),
        "late_minutes_90d": minutes("late on average in the last 90 days"),
        "late_minutes_lifetime": minutes("late on average so far"),
        "late_share": about("of sessions so far begun more than 5 minutes late"),
        "reschedules_7d": count("reschedule", "by the tutor in the last 7 days"),
        "reschedules_30d": count("reschedule", "by the tutor in the last 30 days"),
        "reschedules_90d": count("reschedule", "by the tutor in the last 90 days"),
        "reschedule_rate_7d": about("of sessions rescheduled in the last 7 days"),
        "reschedule_rate_30d": about("of sessions rescheduled in the last 30 days"),
        "reschedule_rate_90d": about("of sessions rescheduled in the last 90 days"),
        "student_reschedules_30d": count("reschedule", "by students in the last 30 days"),
        "student_reschedule_rate_90d": about("of sessions in the last 90 days rescheduled by students"),
        "session_reschedules": count("reschedule", "of this session so far"),
        "reschedule_notice_hours_90d": duration("of notice on average when rescheduling"),
        "short_notice_share_90d": about("of reschedules in the last 90 days less than 24 h before"),
        "student_request_share_90d": about("of reschedules in the last 90 days wished by the student"),
        "illness_share_90d": about("of reschedules in the last 90 days because of illness"),
        "family_share_90d": about("of reschedules in the last 90 days for the family"),
        "technical_share_90d": about("of reschedules in the last 90 days for technical reasons"),
        "schedule_conflict_share_90d": about("of reschedules in the last 90 days because two things met"),
        "other_work_share_90d": about("of reschedules in the last 90 days for another job"),
        "unclear_share_90d": about("of reschedules in the last 90 days for no clear reason"),
        "silence_hours": duration("since the tutor last wrote"),
        "silence_ratio": times("the usual gap between the tutor's messages, since the last one"),
        "unanswered_messages": count("student message", "not answered"),
        "answer_hours_30d": duration("to answer a student on average in the last 30 days"),
        "messages_7d": count("message", "written in the last 7 days"),
        "messages_14d": count("message", "written in the last 14 days"),
        "messages_30d": count("message", "written in the last 30 days"),
        "messages_60d": count("message", "written in the last 60 days"),
        "hours_to_start": duration("to the start"),
        "lead_hours": duration("from booking to start"),
        "weekday": at(lambda value: f"on a {WEEKDAYS[int(value)]}"),
        "hour": at(lambda value: f"at {int(value):02d}:00 in the tutor's time"),
        "part_of_day": at(lambda value: ("at " if value == 0 else "in the ") + PARTS_OF_DAY[int(value)]),
        "holiday": at(lambda value: "on a public holiday" if value else "not on a public holiday"),
        "own_weekday_no_show_rate": about("of the tutor's own sessions on this weekday missed"),
        "own_part_of_day_no_show_rate": about("of the tutor's own sessions at this part of day missed"),
        "own_slot_no_show_rate": about("of the tutor's own sessions at this weekday and time of day missed"),
        "pair_sessions": count("session", "with this student so far"),
        "pair_days_since_last": days("since the last session with this student"),
        "pair_no_shows": count("no-show", "with this student so far"),
        "pair_no_show_rate": about("of the sessions with this student missed"),
        "first_time_pair": at(lambda value: "a first session with this student" if value else "a student they know"),
        "booked_7d": count("other session", "booked in the 7 days before"),
        "booked_same_day": count("other session", "booked on the same day"),
        "booked_back_to_back": count("session", "booked back to back with this one"),
        "load_7d": count("session", "in the last 7 days"),
        "load_30d": count("session", "in the last 30 days"),
        "load_change": share("of the month's weekly sessions, in the last 7 days"),
        "load_change_90d": share("of the usual weekly sessions, in the last 14 days"),
        "sessions_trend_4w": trend("over 4 weeks"),
        "sessions_trend_8w": trend("over 8 weeks"),
        "sessions_trend_12w": trend("over 12 weeks"),
        "taught_hours_30d": hours("taught in the last 30 days"),
        "taught_hours_90d": hours("taught in the last 90 days"),
        "taught_hours_change": share("of the usual hours taught, in the last 30 days"),
        "messages_change_90d": share("of the usual weekly messages, in the last 14 days"),
        "tenure_days": days("on the platform"),
        "days_since_last_session": days("since the last session delivered"),
        "attention_30d": count("message", "from us in the last 30 days"),
        "rating_90d": rating("on average in the last 90 days"),
        "first_session_rating_90d": rating("on average in first sessions of the last 90 days"),
        "first_session_lost_rate": about("of first sessions not followed by another booking"),
        "first_sessions_30d": count("first session", "with new students in the last 30 days"),
    }
)


def describe(column: str, value: float, typical: float | None = None) -> str:
    """A column's value in words, with the usual one beside it where both are numbers that differ."""
    if np.isnan(value):
        return f"{_MISSING.get(column, column.replace('_', ' ') + ' is not known')}"
    phrase = PHRASES.get(column)
    if phrase is None:
        return f"{column.replace('_', ' ')}: {value:g}"
    amount, what = phrase(value)
    text = f"{amount} {what}".rstrip()
    alone = typical is None or not what or "usual" in what  # "40 % of the usual hours" needs no second usual
    usual = "" if typical is None or alone else phrase(typical)[0]
    return text if usual in ("", amount) else f"{text} (usual: {usual.removeprefix('about ')})"


_REASON_SHARES = tuple(f"{code}_share_90d" for code in ReasonCode)
_OF_PAIR = ("pair_sessions", "pair_no_shows", "pair_no_show_rate", "first_time_pair")
_TRENDS = tuple(f"sessions_trend_{weeks}w" for weeks in (4, 8, 12))

_MISSING = MappingProxyType(
    {
        "silence_hours": "the tutor never wrote",
        "pair_days_since_last": "no session with this student yet",
        "days_since_last_session": "no session delivered yet",
        "kept_streak": "no session finished yet",
        "bad_streak": "no session finished yet",
        "late_minutes_90d": "no start timed in the last 90 days",
        "late_minutes_lifetime": "no start timed yet",
        "late_share": "no start timed yet",
        "reschedule_notice_hours_90d": "no reschedule in the last 90 days",
        "short_notice_share_90d": "no reschedule in the last 90 days",
        **dict.fromkeys(_REASON_SHARES, "no reschedule with a known reason in the last 90 days"),
        "silence_ratio": "fewer than two messages in the last 90 days",
        "answer_hours_30d": "no student answered in the last 30 days",
        "holiday": "holidays where the tutor lives not known",
        **dict.fromkeys(_OF_PAIR, "no student named"),
        **dict.fromkeys(_TRENDS, "not watched long enough for a trend"),
        "taught_hours_30d": "lengths of sessions not known",
        "taught_hours_90d": "lengths of sessions not known",
        "taught_hours_change": "no hours taught in the last 90 days",
        "tenure_days": "joining date not known",
        "load_change": "no session in the last 30 days",
        "load_change_90d": "no session in the last 90 days",
        "messages_change_90d": "no message in the last 90 days",
        "rating_90d": "no rating in the last 90 days",
        "first_session_rating_90d": "no rated first session in the last 90 days",
    }
)


def _hours(hours: float) -> str:
    if hours < 48:
        return f"{round(hours)} hour{'' if round(hours) == 1 else 's'}"
    return f"{round(hours / 24)} days"
