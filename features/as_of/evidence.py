"""The raw numbers behind a shrunk rate: how many events in how many sessions, (queries,) each.

A feature shrinks them, its prior is estimated from them, and a reason quotes them.
"""

from collections.abc import Callable

import numpy as np

from domain.vocabulary import ReasonCode
from features.as_of.past import Past
from features.base.array_types import Column
from features.base.stream import StreamView
from features.history.moves import REASONS

Evidence = Callable[[Past], tuple[Column, Column]]


def missed_of(view: Callable[[Past], StreamView], days: int | None = None) -> Evidence:
    """No-shows among the sessions held or missed of a stream."""
    return lambda past: (view(past).total("missed", days), view(past).total("labelled", days))


def called_off_late(kind: str, days: int | None = None) -> Evidence:
    """Cancellations of a kind by the tutor among all finished sessions."""
    return lambda past: (past.outcomes.total(kind, days), past.outcomes.count(days))


def moved(by: str, days: int | None = None) -> Evidence:
    """Reschedules asked for by a party among the sessions held or missed, and never more than these."""

    def evidence(past: Past) -> tuple[Column, Column]:
        reschedules = past.reschedules.total(by, days)
        return reschedules, np.maximum(past.outcomes.total("labelled", days), reschedules)

    return evidence


def short_notice(days: int | None = None) -> Evidence:
    """Reschedules with less than a day's notice among those of the tutor."""
    return lambda past: (past.reschedules.total("short_notice", days), past.reschedules.total("noticed", days))


def reason(code: ReasonCode, days: int | None = None) -> Evidence:
    """Reschedules for a reason among those of the tutor whose reason is known."""
    name = REASONS[code]
    return lambda past: (past.reschedules.total(name, days), past.reschedules.total("reasoned", days))


def late(days: int | None = None) -> Evidence:
    """Late starts among the sessions whose start was timed."""
    return lambda past: (past.outcomes.total("late", days), past.outcomes.total("timed_start", days))


def led_nowhere(past: Past) -> tuple[Column, Column]:
    """First sessions after which the student booked no other, among those long enough ago to tell."""
    return past.judged_firsts.total("led_nowhere"), past.judged_firsts.count()
