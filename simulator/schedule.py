"""Who meets whom, when: pairs of tutor and student, their weekly sessions, and what is booked when."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from simulator.settings import MarketSettings, microseconds
from simulator.tutors import DAY, WEEK, ZONE_SHARES, ZONES, Floats, Ints, Tutors

HOUR = DAY // 24
PLACES = 12
"""Students a tutor may have at a time."""

PAIR_ENDS = 0.07
"""Chance a week that a pair ends and the place goes to another student."""

MOVES = 0.6
"""Share of new pairs whose student comes from another tutor: a replacement."""

REPLACEMENT_REASONS = ("no_show", "reschedules", "quality", "availability", "departure")
REPLACEMENT_SHARES = (0.16, 0.28, 0.24, 0.2, 0.12)
SUBJECTS = ("math", "reading", "science", "languages", "test preparation")
LOCAL_HOURS = np.array([8, 9, 10, 11, 13, 14, 15, 16, 17, 18, 19, 20, 21])
HOUR_SHARES = np.array([2, 2, 2, 2, 3, 4, 8, 13, 16, 17, 15, 11, 5]) / 100
WEEKDAY_SHARES = np.array([17, 17, 17, 16, 11, 13, 9]) / 100


@dataclass(frozen=True)
class Pairs:
    """Pairs by code (pairs,): student, weekly place in the student's calendar, subject, why the last tutor was left.

    `reason` is -1 where the student is new. `of` gives the pair of a (tutor, place, week).
    """

    of: NDArray[np.int32]
    student: Ints
    weekday: Ints
    hour: Ints
    subject: Ints
    reason: Ints


@dataclass(frozen=True)
class Sessions:
    """Sessions (n,) as first booked: codes, and UTC microseconds."""

    tutor: Ints
    week: Ints
    pair: Ints
    student: Ints
    booked_at: Ints
    starts_at: Ints

    def where(self, mask: NDArray[np.bool_]) -> "Sessions":
        """The sessions of a mask (n,)."""
        return Sessions(*(getattr(self, name)[mask] for name in self.__dataclass_fields__))


def make_pairs(settings: MarketSettings, tutors: Tutors, rng: np.random.Generator) -> Pairs:
    """Every place of every tutor holds one pair at a time; students who leave one pair fill others."""
    shape = (tutors.n, PLACES, settings.weeks)
    begins = rng.random(shape) < PAIR_ENDS
    begins[:, :, 0] = True
    of = (np.cumsum(begins.reshape(-1)) - 1).reshape(shape).astype(np.int32)
    n = int(of[-1, -1, -1]) + 1
    start_week = np.nonzero(begins)[2]
    student, reason = _assign_students(settings, start_week, rng)
    return Pairs(
        of=of,
        student=student,
        weekday=rng.choice(7, n, p=WEEKDAY_SHARES),
        hour=rng.choice(LOCAL_HOURS, n, p=HOUR_SHARES),
        subject=rng.integers(0, len(SUBJECTS), n),
        reason=reason,
    )


def _assign_students(settings: MarketSettings, start_week: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Students of pairs: new ones, or those whose own pair ended before (the pair before it in the same place)."""
    student = np.arange(start_week.size)
    reason = np.full(start_week.size, -1)
    moves = (start_week > 0) & (rng.random(start_week.size) < MOVES)
    # A student freed in week w by the pair that begins there can begin elsewhere from week w + 1 on.
    for week in range(2, settings.weeks):
        freed = student[np.flatnonzero(start_week == week - 1) - 1]
        takers = np.flatnonzero((start_week == week) & moves)[: freed.size]
        student[takers] = rng.permutation(freed)[: takers.size]
        reason[takers] = rng.choice(len(REPLACEMENT_REASONS), takers.size, p=REPLACEMENT_SHARES)
    return student, reason


def make_sessions(settings: MarketSettings, tutors: Tutors, pairs: Pairs, rng: np.random.Generator) -> tuple[Sessions, Ints]:
    """Sessions as booked, ordered by start, and the zone codes of all students."""
    student_zone = rng.choice(len(ZONES), int(pairs.student.max()) + 1, p=ZONE_SHARES)
    tutor, week = _tutor_weeks(settings, tutors, rng)
    pair = pairs.of[tutor, rng.integers(0, PLACES, tutor.size), week].astype(np.int64)
    usual = rng.random(tutor.size) < 0.8
    weekday = np.where(usual, pairs.weekday[pair], rng.choice(7, tutor.size, p=WEEKDAY_SHARES))
    hour = np.where(usual, pairs.hour[pair], rng.choice(LOCAL_HOURS, tutor.size, p=HOUR_SHARES))
    student = pairs.student[pair]
    starts_at = _local_to_utc(settings, week, weekday, hour, student_zone[student])
    soon = rng.random(tutor.size) < 0.15
    lead = np.where(soon, rng.uniform(1, 24, tutor.size) * HOUR, rng.uniform(1, 21, tutor.size) * DAY).astype(np.int64)
    found = Sessions(tutor, week, pair, student, np.maximum(starts_at - lead, tutors.started_at[tutor]), starts_at)
    # Nobody books a tutor who has left or not begun, and tomorrow's bookings are not known yet.
    left = found.booked_at >= np.minimum(tutors.departed_at[tutor], microseconds(settings.end))
    order = np.argsort(starts_at, kind="stable")
    keep = ~left & (starts_at >= tutors.started_at[tutor] + HOUR) & (starts_at >= microseconds(settings.begin))
    return Sessions(*(getattr(found, name)[order] for name in found.__dataclass_fields__)).where(keep[order]), student_zone


def _tutor_weeks(settings: MarketSettings, tutors: Tutors, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """(tutor, week) of every session: a Poisson number a week, more for the engaged, none long after leaving."""
    weeks = np.arange(settings.weeks)
    there = (tutors.first_week[:, None] <= weeks) & (weeks <= tutors.last_week[:, None] + 3)
    rate = tutors.capacity[:, None] * np.exp(0.45 * tutors.engagement) * there
    stays = there & (weeks <= tutors.last_week[:, None])
    rate *= settings.sessions_per_day * 7 * settings.weeks / (rate * stays).sum()
    counts = rng.poisson(rate)
    tutor, week = np.nonzero(counts)
    repeated = counts[tutor, week]
    return np.repeat(tutor, repeated), np.repeat(week, repeated)


def _local_to_utc(settings: MarketSettings, week: Ints, weekday: Ints, hour: Ints, zone: Ints) -> Ints:
    """Starts at local clock times, so that they keep their hour across a change to daylight saving."""
    midnight = microseconds(settings.begin) // DAY * DAY
    local = midnight + week * WEEK + (weekday - settings.begin.weekday()) % 7 * DAY + hour * HOUR
    utc = np.empty_like(local)
    for code, name in enumerate(ZONES):
        rows = np.flatnonzero(zone == code)
        naive = pa.array(local[rows], pa.timestamp("us"))
        aware = pc.assume_timezone(naive, name, ambiguous="earliest", nonexistent="latest")
        utc[rows] = pc.cast(aware, pa.int64()).to_numpy()
    return utc


def pick(rng: np.random.Generator, n: int, low: float, high: float) -> Floats:
    """Log-uniform draws between two positive bounds."""
    return np.asarray(np.exp(rng.uniform(np.log(low), np.log(high), n)))
