"""Every feature: a function named as its column, from a `Past` to one value a query, NaN where there is none.

The first line of a docstring is the column's meaning in the catalogue.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from features.past import Past
from features.stream import MICROSECONDS_AN_HOUR, Column


@dataclass(frozen=True)
class Feature:
    """A column: how it is computed, in which unit, which theme of reasons it belongs to, what it reads."""

    compute: Callable[[Past], Column]
    unit: str
    theme: str
    history: bool = True

    @property
    def name(self) -> str:
        """The column's name."""
        return self.compute.__name__

    @property
    def meaning(self) -> str:
        """What the column says, in one line."""
        return (self.compute.__doc__ or "").splitlines()[0]


def feature(unit: str, theme: str, history: bool = True) -> Callable[[Callable[[Past], Column]], Feature]:
    """Make a feature of a function. `history=False` marks what is known without any past of the tutor."""
    return lambda compute: Feature(compute, unit, theme, history)


@feature("no-shows", "no-shows")
def no_shows_30d(past: Past) -> Column:
    """No-shows of the tutor in the last 30 days."""
    return past.outcomes.total("missed", days=30)


@feature("no-shows", "no-shows")
def no_shows_90d(past: Past) -> Column:
    """No-shows of the tutor in the last 90 days."""
    return past.outcomes.total("missed", days=90)


@feature("no-shows", "no-shows")
def no_shows_lifetime(past: Past) -> Column:
    """No-shows of the tutor so far."""
    return past.outcomes.total("missed")


@feature("share of sessions", "no-shows")
def no_show_rate(past: Past) -> Column:
    """Share of the tutor's sessions so far that were missed, shrunk toward the marketplace's."""
    return past.priors.no_show.shrink(past.outcomes.total("missed"), past.outcomes.total("labelled"))


@feature("share of sessions", "no-shows")
def no_show_rate_90d(past: Past) -> Column:
    """The same for the last 90 days."""
    return past.priors.no_show.shrink(past.outcomes.total("missed", 90), past.outcomes.total("labelled", 90))


@feature("cancellations", "cancellations")
def last_minute_cancellations_90d(past: Past) -> Column:
    """Sessions the tutor cancelled less than 24 h before, in the last 90 days."""
    return past.outcomes.total("last_minute_cancelled", days=90)


@feature("reschedules", "reschedules")
def reschedules_7d(past: Past) -> Column:
    """Reschedules the tutor asked for in the last 7 days."""
    return past.reschedules.total("by_tutor", days=7)


@feature("reschedules", "reschedules")
def reschedules_30d(past: Past) -> Column:
    """Reschedules the tutor asked for in the last 30 days."""
    return past.reschedules.total("by_tutor", days=30)


@feature("reschedules", "reschedules")
def reschedules_90d(past: Past) -> Column:
    """Reschedules the tutor asked for in the last 90 days."""
    return past.reschedules.total("by_tutor", days=90)


def _reschedule_rate(past: Past, days: int) -> Column:
    moved = past.reschedules.total("by_tutor", days)
    return past.priors.reschedule.shrink(moved, np.maximum(past.outcomes.count(days), moved))


@feature("share of sessions", "reschedules")
def reschedule_rate_7d(past: Past) -> Column:
    """Reschedules the tutor asked for, a finished session, in the last 7 days, shrunk toward the marketplace's."""
    return _reschedule_rate(past, 7)


@feature("share of sessions", "reschedules")
def reschedule_rate_30d(past: Past) -> Column:
    """The same for the last 30 days."""
    return _reschedule_rate(past, 30)


@feature("share of sessions", "reschedules")
def reschedule_rate_90d(past: Past) -> Column:
    """The same for the last 90 days."""
    return _reschedule_rate(past, 90)


@feature("hours", "silence")
def silence_hours(past: Past) -> Column:
    """Hours since the tutor last wrote to anyone."""
    return past.sent_messages.hours_since_last()


@feature("hours", "silence", history=False)
def hours_to_start(past: Past) -> Column:
    """Hours from the moment of asking to the session's start."""
    return (past.session.starts_at - past.queries.as_of) / MICROSECONDS_AN_HOUR


@feature("hours", "booking", history=False)
def lead_hours(past: Past) -> Column:
    """Hours from the booking to the session's start."""
    return (past.session.starts_at - past.session.booked_at) / MICROSECONDS_AN_HOUR


@feature("0 Monday to 6 Sunday", "time of session", history=False)
def weekday(past: Past) -> Column:
    """Weekday of the session in the tutor's zone."""
    return past.session.weekday.astype(np.float64)


@feature("0 to 23", "time of session", history=False)
def hour(past: Past) -> Column:
    """Hour of the session's start in the tutor's zone."""
    return past.session.hour.astype(np.float64)


@feature("share of sessions", "time of session")
def own_slot_no_show_rate(past: Past) -> Column:
    """The tutor's own share of missed sessions at this weekday and part of day, shrunk."""
    return past.priors.slot_no_show.shrink(past.slot_outcomes.total("missed"), past.slot_outcomes.total("labelled"))


@feature("sessions", "pair")
def pair_sessions(past: Past) -> Column:
    """Finished sessions of this tutor with this student."""
    return past.pair_outcomes.count()


@feature("days", "pair")
def pair_days_since_last(past: Past) -> Column:
    """Days since this tutor's last finished session with this student."""
    return past.pair_outcomes.hours_since_last() / 24


@feature("sessions", "load")
def load_7d(past: Past) -> Column:
    """Finished sessions of the tutor in the last 7 days."""
    return past.outcomes.count(days=7)


@feature("sessions", "load")
def load_30d(past: Past) -> Column:
    """Finished sessions of the tutor in the last 30 days."""
    return past.outcomes.count(days=30)


def _weekly_change(recent: Column, days: int, usual: Column, usual_days: int) -> Column:
    change = np.full(recent.size, np.nan)
    np.divide(recent * (usual_days / days), usual, out=change, where=usual > 0)
    return change


@feature("ratio", "load")
def load_change(past: Past) -> Column:
    """Weekly sessions of the last 7 days against the last 30; 1 is no change."""
    return _weekly_change(past.outcomes.count(7), 7, past.outcomes.count(30), 30)


@feature("days", "tenure", history=False)
def tenure_days(past: Past) -> Column:
    """Days since the tutor joined."""
    return past.days_since_start()


@feature("days", "activity")
def days_since_last_session(past: Past) -> Column:
    """Days since the tutor last delivered a session."""
    return past.deliveries.hours_since_last() / 24


@feature("messages", "attention")
def attention_30d(past: Past) -> Column:
    """Messages the platform wrote to the tutor in the last 30 days."""
    return past.attention.count(days=30)


@feature("messages", "silence")
def messages_7d(past: Past) -> Column:
    """Messages the tutor wrote in the last 7 days."""
    return past.sent_messages.count(days=7)


def _mean_rating(rated: Column, total: Column) -> Column:
    mean = np.full(rated.size, np.nan)
    np.divide(total, rated, out=mean, where=rated > 0)
    return mean


@feature("1 to 5", "quality")
def rating_90d(past: Past) -> Column:
    """Mean rating of the tutor's sessions in the last 90 days."""
    return _mean_rating(past.outcomes.total("rated", 90), past.outcomes.total("rating", 90))


@feature("1 to 5", "quality")
def first_session_rating_90d(past: Past) -> Column:
    """Mean rating of the tutor's first sessions with new students in the last 90 days."""
    return _mean_rating(past.first_ratings.total("rated", 90), past.first_ratings.total("rating", 90))


@feature("sessions", "quality")
def first_sessions_30d(past: Past) -> Column:
    """First sessions with new students in the last 30 days."""
    return past.first_ratings.count(days=30)


@feature("ratio", "load")
def load_change_90d(past: Past) -> Column:
    """Weekly sessions of the last 14 days against the last 90; 1 is no change."""
    return _weekly_change(past.outcomes.count(14), 14, past.outcomes.count(90), 90)


@feature("ratio", "silence")
def messages_change_90d(past: Past) -> Column:
    """Weekly messages of the last 14 days against the last 90; 1 is no change."""
    return _weekly_change(past.sent_messages.count(14), 14, past.sent_messages.count(90), 90)
