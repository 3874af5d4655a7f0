"""How much the tutor teaches, has taught and is booked for, for how long, and how well first sessions go."""

import numpy as np

from features.as_of import evidence
from features.as_of.past import Past
from features.base.stream import MICROSECONDS_AN_HOUR, Column, ratio, weekly_change
from features.columns.feature import feature


def _sessions(past: Past, days: int) -> Column:
    return past.outcomes.total("labelled", days)


@feature("sessions", "load")
def load_7d(past: Past) -> Column:
    """Sessions of the tutor in the last 7 days that were held or missed."""
    return _sessions(past, 7)


@feature("sessions", "load")
def load_30d(past: Past) -> Column:
    """Sessions of the tutor in the last 30 days that were held or missed."""
    return _sessions(past, 30)


@feature("ratio", "load")
def load_change(past: Past) -> Column:
    """Weekly sessions of the last 7 days against the last 30; 1 is no change."""
    return weekly_change(_sessions(past, 7), 7, _sessions(past, 30), 30)


@feature("ratio", "load")
def load_change_90d(past: Past) -> Column:
    """Weekly sessions of the last 14 days against the last 90; 1 is no change."""
    return weekly_change(_sessions(past, 14), 14, _sessions(past, 90), 90)


@feature("sessions", "load")
def booked_7d(past: Past) -> Column:
    """Other sessions on the tutor's books that start in the 7 days before this one, held already or still to come."""
    return past.calendar.week


@feature("sessions", "load")
def booked_same_day(past: Past) -> Column:
    """Other sessions on the tutor's books on the same local day."""
    return past.calendar.day


@feature("sessions", "load")
def booked_back_to_back(past: Past) -> Column:
    """Other sessions on the tutor's books that start or end within 15 minutes of this one's start."""
    return past.calendar.next_to


@feature("days", "tenure", history=False)
def tenure_days(past: Past) -> Column:
    """Days since the tutor joined."""
    return past.days_since_start()


@feature("days", "activity")
def days_since_last_session(past: Past) -> Column:
    """Days since the tutor last delivered a session."""
    return past.deliveries.hours_since_last() / 24


def _trend(past: Past, weeks: int) -> Column:
    return past.outcomes.weekly_slope("labelled", "labelled_at", weeks)


@feature("sessions a week, a week", "activity")
def sessions_trend_4w(past: Past) -> Column:
    """Trend of weekly sessions over the last 4 weeks: the slope of the least-squares line."""
    return _trend(past, 4)


@feature("sessions a week, a week", "activity")
def sessions_trend_8w(past: Past) -> Column:
    """Trend of weekly sessions over the last 8 weeks: the slope of the least-squares line."""
    return _trend(past, 8)


@feature("sessions a week, a week", "activity")
def sessions_trend_12w(past: Past) -> Column:
    """Trend of weekly sessions over the last 12 weeks: the slope of the least-squares line."""
    return _trend(past, 12)


def _taught_hours(past: Past, days: int) -> Column:
    hours = past.outcomes.total("taught", days) / MICROSECONDS_AN_HOUR
    untold = (past.outcomes.total("timed", days) == 0) & (past.outcomes.total("delivered", days) > 0)
    return np.where(untold, np.nan, hours)


@feature("hours", "activity")
def taught_hours_30d(past: Past) -> Column:
    """Hours the tutor taught in the last 30 days: what earnings follow."""
    return _taught_hours(past, 30)


@feature("hours", "activity")
def taught_hours_90d(past: Past) -> Column:
    """Hours the tutor taught in the last 90 days."""
    return _taught_hours(past, 90)


@feature("ratio", "activity")
def taught_hours_change(past: Past) -> Column:
    """Weekly hours taught in the last 30 days against the last 90; 1 is no change."""
    return weekly_change(_taught_hours(past, 30), 30, _taught_hours(past, 90), 90)


@feature("1 to 5", "quality")
def rating_90d(past: Past) -> Column:
    """Mean rating of the tutor's sessions in the last 90 days."""
    return ratio(past.outcomes.total("rating", 90), past.outcomes.total("rated", 90))


@feature("1 to 5", "quality")
def first_session_rating_90d(past: Past) -> Column:
    """Mean rating of the tutor's first sessions with new students in the last 90 days."""
    return ratio(past.first_ratings.total("rating", 90), past.first_ratings.total("rated", 90))


@feature("sessions", "quality")
def first_sessions_30d(past: Past) -> Column:
    """First sessions with new students in the last 30 days."""
    return past.first_ratings.count(days=30)


@feature("share of first sessions", "quality", evidence=evidence.led_nowhere)
def first_session_lost_rate(past: Past) -> Column:
    """Share of first sessions with no other booking of the pair 14 days later, shrunk toward the marketplace's."""
    return past.priors.led_nowhere.shrink(*evidence.led_nowhere(past))
