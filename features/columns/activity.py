"""Features of the tutor's load, activity and tenure."""

import numpy as np

from features.as_of.past import Past
from features.base.array_types import Column
from features.base.stream import MICROSECONDS_AN_HOUR, weekly_change
from features.columns.feature import BOTH, CHURN, NO_SHOW, RATIO, feature
from features.columns.phrases import count, duration_from_days, relative, trend, whole_hours


def _sessions(past: Past, days: int) -> Column:
    return past.outcomes.total("labelled", days)


@feature("sessions", "load", NO_SHOW, count("session", "in the last 7 days"))
def load_7d(past: Past) -> Column:
    """Held or missed sessions of the tutor in the last 7 days."""
    return _sessions(past, 7)


@feature("sessions", "load", CHURN, count("session", "in the last 30 days"), worse=-1)
def load_30d(past: Past) -> Column:
    """Held or missed sessions of the tutor in the last 30 days."""
    return _sessions(past, 30)


@feature(
    RATIO,
    "load",
    CHURN,
    relative("the last month's weekly sessions, in the last 7 days"),
    missing="no session in the last 30 days",
    worse=-1,
)
def load_change(past: Past) -> Column:
    """Weekly sessions in the last 7 days divided by those in the last 30; 1 is no change."""
    return weekly_change(_sessions(past, 7), 7, _sessions(past, 30), 30)


@feature(
    RATIO,
    "load",
    CHURN,
    relative("the usual weekly sessions, in the last 14 days"),
    missing="no session in the last 90 days",
    worse=-1,
)
def load_change_90d(past: Past) -> Column:
    """Weekly sessions in the last 14 days divided by those in the last 90; 1 is no change."""
    return weekly_change(_sessions(past, 14), 14, _sessions(past, 90), 90)


def _trend(past: Past, weeks: int) -> Column:
    return past.outcomes.weekly_slope("labelled", "labelled_at", weeks)


@feature("weekly sessions per week", "activity", CHURN, trend("over 4 weeks"), worse=-1)
def sessions_trend_4w(past: Past) -> Column:
    """Trend of weekly sessions over the last 4 weeks: the slope of the least-squares line."""
    return _trend(past, 4)


@feature("weekly sessions per week", "activity", NO_SHOW, trend("over 8 weeks"))
def sessions_trend_8w(past: Past) -> Column:
    """Trend of weekly sessions over the last 8 weeks: the slope of the least-squares line."""
    return _trend(past, 8)


@feature("weekly sessions per week", "activity", CHURN, trend("over 12 weeks"), worse=-1)
def sessions_trend_12w(past: Past) -> Column:
    """Trend of weekly sessions over the last 12 weeks: the slope of the least-squares line."""
    return _trend(past, 12)


def _taught_hours(past: Past, days: int) -> Column:
    hours = past.outcomes.total("taught", days) / MICROSECONDS_AN_HOUR
    unknown = (past.outcomes.total("timed", days) == 0) & (past.outcomes.total("delivered", days) > 0)
    return np.where(unknown, np.nan, hours)


@feature("hours", "activity", NO_SHOW, whole_hours("taught in the last 30 days"))
def taught_hours_30d(past: Past) -> Column:
    """Hours the tutor taught in the last 30 days, on which earnings depend."""
    return _taught_hours(past, 30)


@feature("hours", "activity", NO_SHOW, whole_hours("taught in the last 90 days"))
def taught_hours_90d(past: Past) -> Column:
    """Hours the tutor taught in the last 90 days."""
    return _taught_hours(past, 90)


@feature(
    RATIO,
    "activity",
    CHURN,
    relative("the usual hours taught, in the last 30 days"),
    missing="no hours taught in the last 90 days",
    worse=-1,
)
def taught_hours_change(past: Past) -> Column:
    """Weekly hours taught in the last 30 days divided by those in the last 90; 1 is no change."""
    return weekly_change(_taught_hours(past, 30), 30, _taught_hours(past, 90), 90)


@feature("sessions", "bookings around it", NO_SHOW, count("other session", "booked in the 7 days before"))
def booked_7d(past: Past) -> Column:
    """Other booked sessions of the tutor that start in the 7 days before this one, past or upcoming."""
    return past.calendar.week


@feature("sessions", "bookings around it", NO_SHOW, count("other session", "booked on the same day"))
def booked_same_day(past: Past) -> Column:
    """Other booked sessions of the tutor on the same local day."""
    return past.calendar.day


@feature("sessions", "bookings around it", NO_SHOW, count("session", "booked back to back with this one"))
def booked_back_to_back(past: Past) -> Column:
    """Other booked sessions of the tutor that start or end within 15 minutes of this one's start."""
    return past.calendar.next_to


@feature(
    "days",
    "tenure",
    BOTH,
    duration_from_days("on the platform"),
    history=False,
    growing=True,
)
def tenure_days(past: Past) -> Column:
    """Days since the tutor joined."""
    return past.days_since_start()


@feature(
    "days",
    "activity",
    BOTH,
    duration_from_days("since the last session delivered"),
    missing="no session delivered yet",
    worse=+1,
)
def days_since_last_session(past: Past) -> Column:
    """Days since the tutor last delivered a session."""
    return past.deliveries.hours_since_last() / 24
