"""Phrases that word a column's value in a reason."""

from collections.abc import Callable

from domain.scores import percent

Phrase = Callable[[float], tuple[str, str]]
"""A value as an amount and what it measures: ("3", "no-shows so far")."""


def count(noun: str, when: str) -> Phrase:
    """3 | no-shows in the last 30 days."""
    return lambda value: (f"{round(value):,}", f"{noun if round(value) == 1 else noun + 's'} {when}")


def relative(usual: str) -> Phrase:
    """52 % of | the usual weekly sessions; from twice on 6.4 times | the usual weekly sessions; takes a ratio."""
    return lambda ratio: (f"{ratio:.1f} times" if ratio >= 2 else f"{percent(ratio)} of", usual)


def rate(what: str) -> Phrase:
    """About 12 % | of sessions missed, for a shrunk rate; takes a fraction."""
    return lambda value: (f"about {percent(value)}", what)


def duration(what: str) -> Phrase:
    """31 hours | since the tutor last wrote, in days from two days on; takes hours."""
    return lambda hours: (_hours(hours), what)


def duration_from_days(what: str) -> Phrase:
    """31 hours | since the last session, in days from two days on; takes days."""
    return lambda days: (_hours(days * 24), what)


def whole_hours(what: str) -> Phrase:
    """31 hours | taught, never in days; takes hours."""
    return lambda hours: (f"{hours:,.0f} hour{'' if round(hours) == 1 else 's'}", what)


def minutes(what: str) -> Phrase:
    """3.4 minutes | late on average; takes minutes."""
    return lambda value: (f"{value:.1f} minutes", what)


def stars(what: str) -> Phrase:
    """3.4 stars | on average."""
    return lambda value: (f"{value:.1f} stars", what)


def trend(when: str) -> Phrase:
    """0.4 fewer sessions | each week, over 4 weeks; takes the change of weekly sessions per week."""
    return lambda value: (_change(value), f"each week, {when}")


def words(of_value: Callable[[float], str]) -> Phrase:
    """A value that is no amount, such as a weekday."""
    return lambda value: (of_value(value), "")


def _change(sessions: float) -> str:
    size = f"{abs(sessions):.1f}"
    return "no change of sessions" if size == "0.0" else f"{size} {'more' if sessions > 0 else 'fewer'} sessions"


def _hours(hours: float) -> str:
    if hours < 48:
        return f"{round(hours)} hour{'' if round(hours) == 1 else 's'}"
    return f"{round(hours / 24)} days"
