"""How long data is kept: a number of days for each kind, after which a nightly sweep removes it for good."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

LEAST = timedelta(days=30)
"""The shortest time that a setting may ask for. The database refuses to delete younger scores and audit rows."""


class Kept(StrEnum):
    """Kinds of data that do not stay for ever."""

    EVENT_BODIES = "inbox"
    CHANGES = "changes"
    DELIVERIES = "deliveries"
    MAILS = "mails"
    AUDIT = "audit"
    SHADOW_SCORES = "shadow_scores"
    SCORES = "scores"
    RUNS = "runs"


Periods = Mapping[Kept, timedelta]
"""How long each kind is kept. A kind that is missing is kept for ever."""
