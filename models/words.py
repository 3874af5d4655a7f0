"""A column's value as a person would say it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from domain.scores import percent
from features.local_time import WEEKDAYS

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
        "reschedules_7d": count("reschedule", "by the tutor in the last 7 days"),
        "reschedules_30d": count("reschedule", "by the tutor in the last 30 days"),
        "reschedules_90d": count("reschedule", "by the tutor in the last 90 days"),
        "reschedule_rate_7d": about("of sessions rescheduled in the last 7 days"),
        "reschedule_rate_30d": about("of sessions rescheduled in the last 30 days"),
        "reschedule_rate_90d": about("of sessions rescheduled in the last 90 days"),
        "silence_hours": duration("since the tutor last wrote"),
        "messages_7d": count("message", "written in the last 7 days"),
        "hours_to_start": duration("to the start"),
        "lead_hours": duration("from booking to start"),
        "weekday": at(lambda value: f"on a {WEEKDAYS[int(value)]}"),
        "hour": at(lambda value: f"at {int(value):02d}:00 in the tutor's time"),
        "own_slot_no_show_rate": about("of the tutor's own sessions at this weekday and time of day missed"),
        "pair_sessions": count("session", "with this student so far"),
        "pair_days_since_last": days("since the last session with this student"),
        "load_7d": count("session", "in the last 7 days"),
        "load_30d": count("session", "in the last 30 days"),
        "load_change": share("of the month's weekly sessions, in the last 7 days"),
        "load_change_90d": share("of the usual weekly sessions, in the last 14 days"),
        "messages_change_90d": share("of the usual weekly messages, in the last 14 days"),
        "tenure_days": days("on the platform"),
        "days_since_last_session": days("since the last session delivered"),
        "attention_30d": count("message", "from us in the last 30 days"),
        "rating_90d": rating("on average in the last 90 days"),
        "first_session_rating_90d": rating("on average in first sessions of the last 90 days"),
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
    usual = "" if typical is None or not what else phrase(typical)[0]
    return text if usual in ("", amount) else f"{text} (usual: {usual.removeprefix('about ')})"


_MISSING = MappingProxyType(
    {
        "silence_hours": "the tutor never wrote",
        "pair_days_since_last": "no session with this student yet",
        "days_since_last_session": "no session delivered yet",
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
