"""Retention periods by kind of data; a nightly sweep deletes older data permanently."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

LEAST = timedelta(days=30)
"""Shortest period a setting may have. The database refuses to delete younger scores and audit rows."""


class Kept(StrEnum):
    """Kinds of data with a retention period."""

    EVENT_BODIES = "inbox"
    CHANGES = "changes"
    DELIVERIES = "deliveries"
    MAILS = "mails"
    AUDIT = "audit"
    SHADOW_SCORES = "shadow_scores"
    SCORES = "scores"
    RUNS = "runs"


Periods = Mapping[Kept, timedelta]
"""Retention period of each kind. A missing kind is kept indefinitely."""
