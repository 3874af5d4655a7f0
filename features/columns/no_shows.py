"""Features of the tutor's no-shows, late cancellations and late starts."""

import numpy as np

from features.as_of import evidence
from features.as_of.evidence import late_cancellations, missed_sessions
from features.as_of.past import Past
from features.base.array_types import Column
from features.columns.feature import BOTH, NO_SHOW, Counts, feature
from features.columns.phrases import count, minutes, rate

_MISSED = missed_sessions(lambda past: past.outcomes)
_MISSED_90D = missed_sessions(lambda past: past.outcomes, days=90)
_CANCELLED = late_cancellations("last_minute_cancelled", days=90)
_CANCELLED_4H = late_cancellations("very_last_minute_cancelled", days=90)
_LATE = evidence.late()


@feature("no-shows", "recent no-shows", NO_SHOW, count("no-show", "in the last 30 days"), monotone=+1)
def no_shows_30d(past: Past) -> Column:
    """No-shows of the tutor in the last 30 days."""
    return past.outcomes.total("missed", days=30)


@feature(
    "no-shows",
    "recent no-shows",
    NO_SHOW,
    count("no-show", "in the last 90 days"),
    share="no_show_rate_90d",
    monotone=+1,
)
def no_shows_90d(past: Past) -> Column:
    """No-shows of the tutor in the last 90 days."""
    return past.outcomes.total("missed", days=90)


@feature("no-shows", "no-shows", NO_SHOW, count("no-show", "so far"), share="no_show_rate", monotone=+1, growing=True)
def no_shows_lifetime(past: Past) -> Column:
    """No-shows of the tutor so far."""
    return past.outcomes.total("missed")


@feature(
    "share of sessions",
    "no-shows",
    BOTH,
    rate("of sessions so far missed"),
    counts=Counts(_MISSED, "missed {share} sessions so far"),
    monotone=+1,
)
def no_show_rate(past: Past) -> Column:
    """Share of the tutor's sessions so far that were missed, shrunk toward the marketplace's."""
    return past.priors.no_show.shrink(*_MISSED(past))


@feature(
    "share of sessions",
    "recent no-shows",
    NO_SHOW,
    rate("of sessions in the last 90 days missed"),
    counts=Counts(_MISSED_90D, "missed {share} sessions in the last 90 days"),
    monotone=+1,
)
def no_show_rate_90d(past: Past) -> Column:
    """Share of the tutor's sessions of the last 90 days that were missed, shrunk toward the marketplace's."""
    return past.priors.no_show.shrink(*_MISSED_90D(past))


@feature(
    "sessions",
    "no-shows",
    BOTH,
    count("session", "delivered in a row"),
    monotone=-1,
    growing=True,
)
def kept_streak(past: Past) -> Column:
    """Sessions the tutor delivered since the last no-show or last-minute cancellation."""
    return past.outcomes.latest(past.history.kept_in_a_row)


@feature(
    "sessions",
    "recent no-shows",
    NO_SHOW,
    count("session", "in a row missed, cancelled at the last minute or started late"),
    monotone=+1,
)
def bad_streak(past: Past) -> Column:
    """Consecutive sessions that the tutor missed, cancelled at the last minute or started more than 5 minutes late."""
    return past.outcomes.latest(past.history.bad_in_a_row)


@feature(
    "cancellations",
    "cancellations",
    BOTH,
    count("last-minute cancellation", "in the last 90 days"),
    share="last_minute_cancellation_rate_90d",
    monotone=+1,
)
def last_minute_cancellations_90d(past: Past) -> Column:
    """Sessions the tutor cancelled less than 24 h before the start, in the last 90 days."""
    return past.outcomes.total("last_minute_cancelled", days=90)


@feature(
    "cancellations",
    "cancellations",
    NO_SHOW,
    count("cancellation", "less than 4 h before, in the last 90 days"),
    share="last_minute_cancellation_rate_4h_90d",
    monotone=+1,
)
def last_minute_cancellations_4h_90d(past: Past) -> Column:
    """Sessions the tutor cancelled less than 4 h before the start, in the last 90 days."""
    return past.outcomes.total("very_last_minute_cancelled", days=90)


@feature(
    "share of sessions",
    "cancellations",
    NO_SHOW,
    rate("of sessions in the last 90 days cancelled less than 24 h before"),
    counts=Counts(_CANCELLED, "cancelled {share} sessions in the last 90 days less than 24 h before"),
    monotone=+1,
)
def last_minute_cancellation_rate_90d(past: Past) -> Column:
    """Share of the last 90 days' sessions that the tutor cancelled less than 24 h before the start, shrunk."""
    return past.priors.last_minute.shrink(*_CANCELLED(past))


@feature(
    "share of sessions",
    "cancellations",
    NO_SHOW,
    rate("of sessions in the last 90 days cancelled less than 4 h before"),
    counts=Counts(_CANCELLED_4H, "cancelled {share} sessions in the last 90 days less than 4 h before"),
    monotone=+1,
)
def last_minute_cancellation_rate_4h_90d(past: Past) -> Column:
    """Share of the last 90 days' sessions that the tutor cancelled less than 4 h before the start, shrunk."""
    return past.priors.very_last_minute.shrink(*_CANCELLED_4H(past))


def _late_minutes(past: Past, days: int | None) -> Column:
    timed = past.outcomes.total("timed_start", days)
    mean = past.priors.late_minutes.shrink(past.outcomes.total("late_minutes", days), timed)
    return np.where(timed > 0, mean, np.nan)


@feature(
    "minutes",
    "lateness",
    BOTH,
    minutes("late on average in the last 90 days"),
    monotone=+1,
)
def late_minutes_90d(past: Past) -> Column:
    """Mean minutes by which the tutor was late in the last 90 days, shrunk toward the marketplace's."""
    return _late_minutes(past, 90)


@feature("minutes", "lateness", NO_SHOW, minutes("late on average so far"), monotone=+1)
def late_minutes_lifetime(past: Past) -> Column:
    """Mean minutes by which the tutor was late so far, shrunk toward the marketplace's."""
    return _late_minutes(past, None)


@feature(
    "share of sessions",
    "lateness",
    NO_SHOW,
    rate("of sessions so far started more than 5 minutes late"),
    counts=Counts(_LATE, "started {share} sessions so far more than 5 minutes late"),
    monotone=+1,
)
def late_share(past: Past) -> Column:
    """Share of the tutor's sessions so far started more than 5 minutes late, shrunk toward the marketplace's."""
    late, timed = _LATE(past)
    return np.where(timed > 0, past.priors.late.shrink(late, timed), np.nan)
