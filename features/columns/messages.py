"""Features of the tutor's messages and replies."""

from features.as_of.past import Past
from features.base.array_types import Column
from features.base.stream import MICROSECONDS_AN_HOUR, ratio, weekly_change
from features.columns.feature import BOTH, CHURN, NO_SHOW, RATIO, feature
from features.columns.phrases import count, duration, relative


@feature(
    "hours", "silence", BOTH, duration("since the tutor last wrote"), missing="no message from the tutor yet", worse=+1
)
def silence_hours(past: Past) -> Column:
    """Hours since the tutor's last message to anyone."""
    return past.sent_messages.hours_since_last()


@feature(
    RATIO,
    "silence",
    NO_SHOW,
    relative("the tutor's usual gap between messages, since the last one"),
    missing="fewer than two messages in the last 90 days",
    worse=+1,
)
def silence_ratio(past: Past) -> Column:
    """Hours since the tutor's last message divided by the mean gap between messages of the last 90 days."""
    return ratio(past.sent_messages.hours_since_last(), past.sent_messages.mean_gap_hours(days=90))


@feature("messages", "silence", NO_SHOW, count("student message", "not answered"), growing=True, worse=+1)
def unanswered_messages(past: Past) -> Column:
    """Messages from students after which the tutor has not yet written to that student."""
    return past.received_messages.count() - past.answered_messages.count()


@feature(
    "hours",
    "silence",
    BOTH,
    duration("to reply to a student on average in the last 30 days"),
    missing="no reply to a student in the last 30 days",
    growing=True,
    worse=+1,
)
def answer_hours_30d(past: Past) -> Column:
    """Mean hours that students waited for the tutor's replies of the last 30 days."""
    waited = past.answered_messages.total("waited", days=30) / MICROSECONDS_AN_HOUR
    return ratio(waited, past.answered_messages.count(days=30))


@feature("messages", "silence", CHURN, count("message", "written in the last 7 days"), worse=-1)
def messages_7d(past: Past) -> Column:
    """Messages the tutor wrote in the last 7 days."""
    return past.sent_messages.count(days=7)


@feature("messages", "silence", NO_SHOW, count("message", "written in the last 14 days"), worse=-1)
def messages_14d(past: Past) -> Column:
    """Messages the tutor wrote in the last 14 days."""
    return past.sent_messages.count(days=14)


@feature("messages", "silence", CHURN, count("message", "written in the last 30 days"), worse=-1)
def messages_30d(past: Past) -> Column:
    """Messages the tutor wrote in the last 30 days."""
    return past.sent_messages.count(days=30)


@feature("messages", "silence", CHURN, count("message", "written in the last 60 days"), worse=-1)
def messages_60d(past: Past) -> Column:
    """Messages the tutor wrote in the last 60 days."""
    return past.sent_messages.count(days=60)


@feature(
    RATIO,
    "silence",
    CHURN,
    relative("the usual weekly messages, in the last 14 days"),
    missing="no message in the last 90 days",
    worse=-1,
)
def messages_change_90d(past: Past) -> Column:
    """Weekly messages in the last 14 days divided by those in the last 90; 1 is no change."""
    return weekly_change(past.sent_messages.count(14), 14, past.sent_messages.count(90), 90)
