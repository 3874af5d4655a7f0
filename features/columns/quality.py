"""Messages from the platform, ratings and first sessions."""

from features.as_of import evidence
from features.as_of.past import Past
from features.base.array_types import Column
from features.base.stream import ratio
from features.columns.feature import CHURN, Counts, feature
from features.columns.phrases import count, rate, stars


@feature("messages", "attention", CHURN, count("message", "from us in the last 30 days"))
def attention_30d(past: Past) -> Column:
    """Messages from the platform to the tutor in the last 30 days."""
    return past.attention.count(days=30)


@feature("1 to 5", "quality", CHURN, stars("on average in the last 90 days"), worse=-1)
def rating_90d(past: Past) -> Column:
    """Mean rating of the tutor's sessions in the last 90 days."""
    return ratio(past.outcomes.total("rating", 90), past.outcomes.total("rated", 90))


@feature("1 to 5", "quality", CHURN, stars("on average in first sessions of the last 90 days"), worse=-1)
def first_session_rating_90d(past: Past) -> Column:
    """Mean rating of the tutor's first sessions with new students in the last 90 days."""
    return ratio(past.first_ratings.total("rating", 90), past.first_ratings.total("rated", 90))


@feature(
    "share of first sessions",
    "quality",
    CHURN,
    rate("of first sessions not followed by another booking"),
    counts=Counts(evidence.led_nowhere, "lost the student after {share} first sessions"),
    worse=+1,
)
def first_session_lost_rate(past: Past) -> Column:
    """Share of first sessions without another booking of the pair 14 days later, shrunk toward the marketplace's."""
    return past.priors.led_nowhere.shrink(*evidence.led_nowhere(past))


@feature("sessions", "quality", CHURN, count("first session", "with new students in the last 30 days"))
def first_sessions_30d(past: Past) -> Column:
    """First sessions with new students in the last 30 days."""
    return past.first_ratings.count(days=30)
