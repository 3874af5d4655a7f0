"""Assignment of students to pairs: students who leave one tutor continue with another, with a reason."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.pairing import Meetings
from simulator.schedule import HOUR, Places, Sessions
from simulator.settings import MarketSettings, microseconds
from simulator.tutors import DAY, STAYS, ZONES, Floats, Ints, Tutors

REPLACEMENT_REASONS = ("no_show", "reschedules", "quality", "availability", "departure")
NO_SHOW, RESCHEDULES, QUALITY, AVAILABILITY, DEPARTURE = range(5)

NO_SHOW_SHARE = 0.16
"""Share of replacements caused by a no-show."""

OTHER_WEIGHTS = (0.36, 0.32, 0.32)
"""Weights of other reasons (reschedules, quality, availability); the first two depend on the tutor's hidden traits."""

SEARCH, PATIENCE = 4 * DAY, 28 * DAY
"""Maximum time until a student looks for another tutor, and time after which the student leaves the platform."""


@dataclass(frozen=True)
class Pairs:
    """Pairs by code (pairs,): tutor, student, student's zone, booking of the first session (UTC microseconds).

    `of` is the pair of each session; `reason` is why the student left the previous tutor, -1 for a new student.
    """

    of: Ints
    tutor: Ints
    zone: Ints
    begins: Ints
    student: Ints
    reason: Ints


def make_pairs(
    settings: MarketSettings,
    tutors: Tutors,
    places: Places,
    sessions: Sessions,
    starts_at: Ints,
    meetings: Meetings,
    rng: np.random.Generator,
) -> Pairs:
    """Split segments into pairs and assign a student to each: one who left another tutor, or a new one."""
    _, first, of = np.unique(sessions.segment * settings.weeks + meetings.turn, return_index=True, return_inverse=True)
    place, begins = sessions.place[first], np.full(first.size, STAYS)
    np.minimum.at(begins, of, sessions.booked_at)
    pairs = Pairs(of, places.tutor[place], places.zone[place], begins, np.arange(first.size), np.full(first.size, -1))
    reason, freed_at = _endings(settings, tutors, pairs, place, sessions, starts_at, meetings, rng)
    movers = _movers(reason, freed_at < microseconds(settings.end), rng)
    before = _successions(pairs, movers, freed_at + rng.integers(0, SEARCH, freed_at.size))
    follows = before >= 0
    pairs.reason[follows] = reason[before[follows]]
    return Pairs(of, pairs.tutor, pairs.zone, begins, _first_of_chain(before), pairs.reason)


def _endings(
    settings: MarketSettings,
    tutors: Tutors,
    pairs: Pairs,
    place: Ints,
    sessions: Sessions,
    starts_at: Ints,
    meetings: Meetings,
    rng: np.random.Generator,
) -> tuple[Ints, Ints]:
    """Reason (-1: it continues) and time of each pair's end (pairs,). Pairs of a place are consecutive."""
    last = np.zeros(place.size, np.int64)
    np.maximum.at(last, pairs.of, starts_at)
    departed = tutors.departed_at[pairs.tutor]
    goes_on = np.append(np.diff(place) != 0, True)
    reason = np.where(goes_on, -1, _other_reasons(settings, tutors, pairs.tutor, rng))
    freed_at = last + HOUR
    left = goes_on & (departed != STAYS) & (last > departed - 21 * DAY)
    reason[left], freed_at[left] = DEPARTURE, departed[left]
    ending = np.flatnonzero(meetings.ends_pair)
    reason[pairs.of[ending]], freed_at[pairs.of[ending]] = NO_SHOW, starts_at[ending] + HOUR
    return reason, freed_at


def _other_reasons(settings: MarketSettings, tutors: Tutors, tutor: Ints, rng: np.random.Generator) -> Ints:
    scores: Floats = np.log(OTHER_WEIGHTS) + rng.gumbel(size=(tutor.size, 3))
    scores[:, 0] += 0.5 * settings.signal * tutors.unreliability[tutor]
    scores[:, 1] -= 0.5 * settings.signal * tutors.quality[tutor]
    return np.asarray(RESCHEDULES + np.argmax(scores, axis=1))


def _movers(reason: Ints, known: NDArray[np.bool_], rng: np.random.Generator) -> Ints:
    """Pairs whose students continue with another tutor: all after a no-show, others as NO_SHOW_SHARE implies."""
    missed, others = np.flatnonzero(known & (reason == NO_SHOW)), np.flatnonzero(known & (reason > NO_SHOW))
    wanted = round(missed.size * (1 - NO_SHOW_SHARE) / NO_SHOW_SHARE)
    return np.sort(np.concatenate([missed, rng.permutation(others)[:wanted]]))


def _successions(pairs: Pairs, movers: Ints, ready_at: Ints) -> Ints:
    """Previous pair of each pair's student (pairs,), -1 for none: in each time zone, first come, first served."""
    before = np.full(pairs.tutor.size, -1)
    for zone in range(len(ZONES)):
        leaving = movers[pairs.zone[movers] == zone]
        leaving = leaving[np.argsort(ready_at[leaving], kind="stable")]
        open_pairs = np.flatnonzero(pairs.zone == zone)
        open_pairs = open_pairs[np.argsort(pairs.begins[open_pairs], kind="stable")]
        turn = _in_turn(ready_at[leaving], pairs.begins[open_pairs])
        leaving, taken = leaving[turn < open_pairs.size], open_pairs[turn[turn < open_pairs.size]]
        fits = (pairs.begins[taken] - ready_at[leaving] < PATIENCE) & (pairs.tutor[taken] != pairs.tutor[leaving])
        before[taken[fits]] = leaving[fits]
    return before


def _in_turn(waiting_from: Ints, opens: Ints) -> Ints:
    """For each waiting student (ascending), the first later opening (ascending) not taken by an earlier one."""
    places = np.arange(waiting_from.size)
    return np.asarray(np.maximum.accumulate(np.searchsorted(opens, waiting_from) - places) + places)


def _first_of_chain(before: Ints) -> Ints:
    """First pair of each pair's chain (pairs,), by pointer doubling."""
    first = np.where(before >= 0, before, np.arange(before.size))
    while (first != first[first]).any():
        first = first[first]
    return first
