"""The odds that a tutor misses a session: hidden unreliability, and signs that stand in the data."""

import numpy as np

from features.local_time import weekday_and_hour
from features.stream import Stream, StreamView
from simulator.changes import Reschedules
from simulator.messages import TUTOR, Messages
from simulator.schedule import Sessions
from simulator.settings import MarketSettings, RegimeKind
from simulator.tutors import DAY, ZONES, Floats, Ints, Tutors

MISSED_SHARE = 0.015
ON_UNRELIABILITY, ON_EARLY, ON_LATE, ON_WEEKEND = 1.0, 0.5, 0.4, 0.35
ON_LOAD, ON_RESCHEDULES, ON_SILENCE, ON_NEW_PAIR = 0.35, 0.3, 0.45, 0.5


def no_show_probability(
    settings: MarketSettings,
    tutors: Tutors,
    sessions: Sessions,
    starts_at: Ints,
    scheduled_at: Ints,
    reschedules: Reschedules,
    messages: Messages,
) -> Floats:
    """The true probability (sessions,) that each session, if it is not called off, is missed.

    Recent reschedules, silence and load are those known 24 h before the start, or when the start became known.
    """
    as_of = np.maximum(starts_at - DAY, scheduled_at)
    moved = reschedules.by_tutor
    effects = ON_UNRELIABILITY * tutors.unreliability[sessions.tutor]
    effects = effects + _when(tutors, sessions.tutor, starts_at)
    effects += ON_LOAD * (np.log1p(_load(tutors, sessions.tutor, starts_at)) - 2.5)
    recent = _view(tutors, sessions.tutor[reschedules.session[moved]], reschedules.requested_at[moved], sessions.tutor, as_of)
    effects += ON_RESCHEDULES * np.minimum(recent.count(days=7), 4)
    wrote = messages.sender == TUTOR
    silence = _view(tutors, messages.tutor[wrote], messages.sent_at[wrote], sessions.tutor, as_of).hours_since_last()
    effects += ON_SILENCE * np.log1p(np.nan_to_num(silence, nan=24.0) / 24)
    effects += ON_NEW_PAIR * (_place_in_pair(sessions.pair, starts_at) < 2)
    log_odds = settings.signal * effects
    factor = np.log(settings.regime_factor(RegimeKind.NO_SHOW, starts_at))
    return _with_mean(log_odds, MISSED_SHARE, factor)


def _when(tutors: Tutors, tutor: Ints, starts_at: Ints) -> Floats:
    weekday, hour = weekday_and_hour(starts_at, tutors.zone[tutor], list(ZONES))
    return ON_EARLY * (hour < 9) + ON_LATE * (hour >= 21) + ON_WEEKEND * (weekday >= 5)


def _view(tutors: Tutors, owners: Ints, times: Ints, asked: Ints, as_of: Ints) -> StreamView:
    order = np.argsort(times, kind="stable")
    return StreamView(Stream.build(owners[order], times[order], tutors.n, {}), asked, as_of)


def _load(tutors: Tutors, tutor: Ints, starts_at: Ints) -> Floats:
    """Sessions the tutor had on the calendar in the 7 days before each start."""
    return _view(tutors, tutor, starts_at, tutor, starts_at).count(days=7)


def _place_in_pair(pair: Ints, starts_at: Ints) -> Ints:
    """0 for the first session of a pair, 1 for the second, and so on."""
    order = np.lexsort((starts_at, pair))
    ranked = pair[order]
    first = np.flatnonzero(np.diff(ranked, prepend=-1))
    place = np.empty(pair.size, dtype=np.int64)
    place[order] = np.arange(pair.size) - np.repeat(first, np.diff(np.append(first, pair.size)))
    return place


def _with_mean(log_odds: Floats, mean: float, extra: Floats) -> Floats:
    """Probabilities of these log-odds, shifted so that their mean is as asked; `extra` comes on top of that."""
    low, high = -20.0, 5.0
    for _ in range(40):
        middle = (low + high) / 2
        if (1 / (1 + np.exp(-(log_odds + middle)))).mean() < mean:
            low = middle
        else:
            high = middle
    return np.asarray(1 / (1 + np.exp(-(log_odds + low + extra))))


