"""True log odds of a no-show, from hidden unreliability and observable drivers."""

import numpy as np

from features.base.local_time import weekday_and_hour
from features.base.stream import Stream, StreamView
from simulator.changes import Reschedules
from simulator.messages import TUTOR, Messages
from simulator.schedule import Sessions
from simulator.settings import MarketSettings, RegimeKind
from simulator.tutors import DAY, ZONES, Floats, Ints, Tutors

MISSED_SHARE = 0.015
ON_UNRELIABILITY, ON_EARLY, ON_LATE, ON_WEEKEND = 1.0, 0.5, 0.4, 0.35
ON_LOAD, ON_RESCHEDULES, ON_SILENCE = 0.35, 0.3, 0.45
"""Log odds per unit of each driver: flags, log sessions in 7 days, reschedules in 7 days, log days of silence."""

ON_NEW_PAIR, NEW_SHARE = 0.5, 0.25
"""Log odds of the first two sessions of a pair, and their approximate share of all sessions."""


def no_show_log_odds(
    settings: MarketSettings,
    tutors: Tutors,
    sessions: Sessions,
    starts_at: Ints,
    scheduled_at: Ints,
    reschedules: Reschedules,
    messages: Messages,
) -> Floats:
    """True log odds (sessions,) that a session, if not cancelled, is missed by a tutor the student already knows.

    Recent reschedules, silence and load are as of 24 h before the start, or as of when the start became known.
    """
    tutor, as_of = sessions.tutor, np.maximum(starts_at - DAY, scheduled_at)
    effects = ON_UNRELIABILITY * tutors.unreliability[tutor] + _when(tutors, tutor, starts_at)
    effects += ON_LOAD * np.log1p(_view(tutors, tutor, starts_at, tutor, starts_at).count(days=7))
    effects += ON_RESCHEDULES * np.minimum(_moves(tutors, sessions, reschedules, as_of), 4)
    effects += ON_SILENCE * np.log1p(_silent_days(tutors, messages, tutor, as_of))
    effects *= settings.signal
    extra = np.log(settings.regime_factor(RegimeKind.NO_SHOW, starts_at))
    return np.asarray(effects + _intercept(effects, settings.signal * ON_NEW_PAIR) + extra)


def _when(tutors: Tutors, tutor: Ints, starts_at: Ints) -> Floats:
    weekday, hour = weekday_and_hour(starts_at, tutors.zone[tutor], list(ZONES))
    return np.asarray(ON_EARLY * (hour < 9) + ON_LATE * (hour >= 21) + ON_WEEKEND * (weekday >= 5))


def _moves(tutors: Tutors, sessions: Sessions, reschedules: Reschedules, as_of: Ints) -> Floats:
    own = reschedules.by_tutor
    mover = sessions.tutor[reschedules.session[own]]
    return _view(tutors, mover, reschedules.requested_at[own], sessions.tutor, as_of).count(days=7)


def _silent_days(tutors: Tutors, messages: Messages, tutor: Ints, as_of: Ints) -> Floats:
    """Days since the tutor's last message; 1 if there is none."""
    own = messages.sender == TUTOR
    hours = _view(tutors, messages.tutor[own], messages.sent_at[own], tutor, as_of).hours_since_last()
    return np.nan_to_num(hours, nan=24.0) / 24


def _view(tutors: Tutors, owners: Ints, times: Ints, asked: Ints, as_of: Ints) -> StreamView:
    order = np.argsort(times, kind="stable")
    return StreamView(Stream.build(owners[order], times[order], tutors.n, {}), asked, as_of)


def _intercept(effects: Floats, on_new_pair: float) -> float:
    """Intercept, found by bisection, with which about MISSED_SHARE of the sessions are missed."""
    low, high = -20.0, 5.0
    for _ in range(30):
        middle = (low + high) / 2
        known, new = probability(effects + middle).mean(), probability(effects + middle + on_new_pair).mean()
        if (1 - NEW_SHARE) * known + NEW_SHARE * new < MISSED_SHARE:
            low = middle
        else:
            high = middle
    return low


def probability(log_odds: Floats) -> Floats:
    """Convert log odds to probabilities of the same shape."""
    return np.asarray(1 / (1 + np.exp(-log_odds)))
