"""A column's value as a person would say it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from domain.scores import percent
from features.local_time import WEEKDAYS

Phrase = Callable[[float], str]


def count(noun: str, when: str, plural: str | None = None) -> Phrase:
    """ "3 no-shows in the last 30 days"."""
    many = plural or noun + "s"
    return lambda value: f"{_whole(value)} {noun if round(value) == 1 else many} {when}".rstrip()


def share(what: str) -> Phrase:
    """ "12 % of sessions so far were missed"."""
    return lambda value: f"{percent(value)} {what}"


def duration(after: str) -> Phrase:
    """ "31 hours since the last message", in days from two days on; takes hours."""
    return lambda hours: f"{_hours(hours)} {after}"


def days(after: str) -> Phrase:
    """The same for a value in days."""
    return lambda value: f"{_hours(value * 24)} {after}"


def number(what: str) -> Phrase:
    """ "3.4 mean rating"."""
    return lambda value: f"{what} {value:.1f}"


PHRASES: Mapping[str, Phrase] = MappingProxyType(
    {
        "no_shows_30d": count("no-show", "in the last 30 days"),
        "no_shows_90d": count("no-show", "in the last 90 days"),
        "no_shows_lifetime": count("no-show", "so far"),
        "no_show_rate": share("of sessions so far missed, small numbers allowed for"),
        "no_show_rate_90d": share("of sessions in the last 90 days missed, small numbers allowed for"),
        "last_minute_cancellations_90d": count("last-minute cancellation", "in the last 90 days"),
        "reschedules_7d": count("reschedule", "by the tutor in the last 7 days"),
        "reschedules_30d": count("reschedule", "by the tutor in the last 30 days"),
        "reschedules_90d": count("reschedule", "by the tutor in the last 90 days"),
        "reschedule_rate_7d": share("of sessions rescheduled in the last 7 days"),
        "reschedule_rate_30d": share("of sessions rescheduled in the last 30 days"),
        "reschedule_rate_90d": share("of sessions rescheduled in the last 90 days"),
        "silence_hours": duration("since the tutor last wrote"),
        "messages_7d": count("message", "written in the last 7 days"),
        "hours_to_start": duration("to the start"),
        "lead_hours": duration("from booking to start"),
        "weekday": lambda value: f"on a {WEEKDAYS[int(value)]}",
        "hour": lambda value: f"at {int(value):02d}:00 in the tutor's time",
        "own_slot_no_show_rate": share("of the tutor's own sessions at this weekday and time of day missed"),
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
        "rating_90d": number("mean rating in the last 90 days"),
        "first_session_rating_90d": number("mean rating of first sessions in the last 90 days"),
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
    text = phrase(value)
    if typical is None or column in _NO_USUAL:
        return text
    usual = phrase(typical).split(" ")[0] if "rating" not in column else f"{typical:.1f}"
    return text if usual == text.split(" ")[0] else f"{text} (usual: {_usual(phrase, typical, usual)})"


def _usual(phrase: Phrase, typical: float, first: str) -> str:
    words = phrase(typical).split(" ")
    return " ".join(words[:2]) if len(words) > 1 and words[1] in {"%", "hour", "hours", "days", "day"} else first


_NO_USUAL = frozenset({"weekday", "hour"})

_MISSING = MappingProxyType(
    {
        "silence_hours": "the tutor never wrote",
        "pair_days_since_last": "no session with this student yet",
        "days_since_last_session": "no session delivered yet",
        "tenure_days": "joining date not known",
        "load_change": "no session in the last 30 days",
        "rating_90d": "no rating in the last 90 days",
        "first_session_rating_90d": "no rated first session in the last 90 days",
    }
)


def _whole(value: float) -> str:
    return f"{round(value):,}"


def _hours(hours: float) -> str:
    if hours < 48:
        return f"{round(hours)} hour{'' if round(hours) == 1 else 's'}"
    return f"{round(hours / 24)} days"
