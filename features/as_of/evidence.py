"""Raw counts behind shrunk rates: events and sessions, (queries,) each.

A feature shrinks them, its prior is estimated from them, and its reason quotes them.
"""

from collections.abc import Callable

import numpy as np

from domain.vocabulary import ReasonCode
from features.as_of.past import Past
from features.base.array_types import Column
from features.base.stream import StreamView
from features.history.moves import REASONS

Evidence = Callable[[Past], tuple[Column, Column]]


def missed_sessions(view: Callable[[Past], StreamView], days: int | None = None) -> Evidence:
    """No-shows among the held or missed sessions of a stream."""
    return lambda past: (view(past).total("missed", days), view(past).total("labelled", days))


def late_cancellations(kind: str, days: int | None = None) -> Evidence:
    """The tutor's cancellations of a kind among all finished sessions."""
    return lambda past: (past.outcomes.total(kind, days), past.outcomes.count(days))


def reschedules(by: str, days: int | None = None) -> Evidence:
    """Reschedules requested by a party among the held or missed sessions.

    The number of sessions is raised to that of reschedules where it is smaller, so that the rate is at most 1.
    """

    def evidence(past: Past) -> tuple[Column, Column]:
        requested = past.reschedules.total(by, days)
        return requested, np.maximum(past.outcomes.total("labelled", days), requested)

    return evidence


def short_notice(days: int | None = None) -> Evidence:
    """Reschedules with less than 24 h notice among the tutor's reschedules with known notice."""
    return lambda past: (past.reschedules.total("short_notice", days), past.reschedules.total("noticed", days))


def reason(code: ReasonCode, days: int | None = None) -> Evidence:
    """Reschedules for a reason among the tutor's reschedules with a known reason."""
    name = REASONS[code]
    return lambda past: (past.reschedules.total(name, days), past.reschedules.total("reasoned", days))


def late(days: int | None = None) -> Evidence:
    """Late starts among the sessions with a recorded start."""
    return lambda past: (past.outcomes.total("late", days), past.outcomes.total("timed_start", days))


def led_nowhere(past: Past) -> tuple[Column, Column]:
    """First sessions without a later booking of the pair, among those whose follow-up time is over."""
    return past.judged_firsts.total("led_nowhere"), past.judged_firsts.count()
