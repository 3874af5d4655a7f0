"""Who writes, who waits for an answer, and for how long."""

from features.as_of.past import Past
from features.base.stream import MICROSECONDS_AN_HOUR, Column, ratio, weekly_change
from features.columns.feature import feature


@feature("hours", "silence")
def silence_hours(past: Past) -> Column:
    """Hours since the tutor last wrote to anyone."""
    return past.sent_messages.hours_since_last()


@feature("ratio", "silence")
def silence_ratio(past: Past) -> Column:
    """Hours since the tutor last wrote against the usual gap between messages of the last 90 days; 1 is usual."""
    return ratio(past.sent_messages.hours_since_last(), past.sent_messages.usual_gap_hours(days=90))


@feature("messages", "silence")
def messages_7d(past: Past) -> Column:
    """Messages the tutor wrote in the last 7 days."""
    return past.sent_messages.count(days=7)


@feature("messages", "silence")
def messages_14d(past: Past) -> Column:
    """Messages the tutor wrote in the last 14 days."""
    return past.sent_messages.count(days=14)


@feature("messages", "silence")
def messages_30d(past: Past) -> Column:
    """Messages the tutor wrote in the last 30 days."""
    return past.sent_messages.count(days=30)


@feature("messages", "silence")
def messages_60d(past: Past) -> Column:
    """Messages the tutor wrote in the last 60 days."""
    return past.sent_messages.count(days=60)


@feature("ratio", "silence")
def messages_change_90d(past: Past) -> Column:
    """Weekly messages of the last 14 days against the last 90; 1 is no change."""
    return weekly_change(past.sent_messages.count(14), 14, past.sent_messages.count(90), 90)


@feature("messages", "silence")
def unanswered_messages(past: Past) -> Column:
    """Messages of students so far after which the tutor has not written to that student."""
    return past.received_messages.count() - past.answered_messages.count()


@feature("hours", "silence")
def answer_hours_30d(past: Past) -> Column:
    """Mean hours students waited for the answers the tutor gave in the last 30 days."""
    waited = past.answered_messages.total("waited", days=30) / MICROSECONDS_AN_HOUR
    return ratio(waited, past.answered_messages.count(days=30))


@feature("messages", "attention")
def attention_30d(past: Past) -> Column:
    """Messages the platform wrote to the tutor in the last 30 days."""
    return past.attention.count(days=30)
