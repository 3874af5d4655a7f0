"""System clock, read nowhere else: all other code takes `now` as an argument."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Current time, aware, in UTC."""
    return datetime.now(UTC)
