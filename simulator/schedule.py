"""Simulated schedule: weekly places in tutors' calendars, their sessions and bookings."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from features.base.zone_offsets import to_utc
from simulator.settings import MarketSettings, microseconds
from simulator.tutors import DAY, WEEK, ZONE_SHARES, ZONES, Floats, Ints, Tutors

HOUR = DAY // 24

MOST_LOAD = 3.0
"""Maximum load of a tutor, as a multiple of the mean."""

ON_LOAD = 0.45
"""Effect of engagement on load: log places per standard deviation of engagement."""

ATTENDED_SHARE = 0.92
"""Share of a place's weeks in which its student books a session."""

PAIR_ENDS, ON_QUALITY = 0.07, -0.3
"""Weekly probability that a pair ends and its place passes to another student, and its log slope on quality."""

OWN_ZONE_SHARE = 0.7
"""Share of places whose students live in their tutor's time zone."""

USUAL_SHARE = 0.85
"""Share of sessions at the place's usual weekday and hour."""

SOON_SHARE = 0.15
"""Share of sessions booked within 24 hours of their start; the others are booked up to 21 days ahead."""

SUBJECTS = ("math", "reading", "science", "languages", "test preparation")
LOCAL_HOURS = np.array([8, 9, 10, 11, 13, 14, 15, 16, 17, 18, 19, 20, 21])
HOUR_SHARES = np.array([2, 2, 2, 2, 3, 4, 8, 13, 16, 17, 15, 11, 5]) / 100
WEEKDAY_SHARES = np.array([17, 17, 17, 16, 11, 13, 9]) / 100


@dataclass(frozen=True)
class Places:
    """Weekly places by code (places,): each has one student at a time, at a local time in the student's zone."""

    tutor: Ints
    zone: Ints
    weekday: Ints
    hour: Ints
    subject: Ints


@dataclass(frozen=True)
class Sessions:
    """Sessions (n,) as first booked, by start: codes, and UTC microseconds.

    A `segment` is a period in which a place belongs to one pair; a no-show may cut it (see `simulator.pairing`).
    """

    tutor: Ints
    place: Ints
    week: Ints
    segment: Ints
    booked_at: Ints
    starts_at: Ints

    def take(self, rows: Ints) -> "Sessions":
        """The sessions at these rows, in the given order."""
        return Sessions(*(getattr(self, field.name)[rows] for field in fields(self)))


def make_schedule(settings: MarketSettings, tutors: Tutors, rng: np.random.Generator) -> tuple[Places, Sessions]:
    """Draw at most one session per place and week. Sessions booked at or after the present are omitted."""
    places, is_open = _make_places(settings, tutors, rng)
    place, week = np.nonzero(is_open & (rng.random(is_open.shape) < ATTENDED_SHARE))
    tutor = places.tutor[place]
    starts_at = _starts(settings, places, place, week, rng)
    there = np.flatnonzero(starts_at >= np.maximum(tutors.started_at[tutor] + HOUR, microseconds(settings.begin)))
    place, tutor, starts_at = place[there], tutor[there], starts_at[there]
    segment, free_from = _segments(settings, tutors, tutor, place, starts_at, rng)
    booked_at = _bookings(np.maximum(free_from, tutors.started_at[tutor]), starts_at, rng)
    sessions = Sessions(tutor, place, week[there], segment, booked_at, starts_at)
    # Tutors who have left are not booked, and future bookings are not known yet.
    known = np.flatnonzero(booked_at < np.minimum(tutors.departed_at[tutor], microseconds(settings.end)))
    return places, sessions.take(known[np.argsort(starts_at[known], kind="stable")])


def _make_places(
    settings: MarketSettings, tutors: Tutors, rng: np.random.Generator
) -> tuple[Places, NDArray[np.bool_]]:
    """Places of all tutors, and whether each is open in each week (places, weeks)."""
    counts = _places_a_week(settings, tutors, rng)
    most = counts.max(axis=1)
    tutor = np.repeat(np.arange(tutors.n), most)
    rank = np.arange(tutor.size) - np.repeat(np.cumsum(most) - most, most)
    slot = _slots(tutors.n, rng)[tutor, rank % (7 * LOCAL_HOURS.size)]
    elsewhere = rng.choice(len(ZONES), tutor.size, p=ZONE_SHARES)
    places = Places(
        tutor=tutor,
        zone=np.where(rng.random(tutor.size) < OWN_ZONE_SHARE, tutors.zone[tutor], elsewhere),
        weekday=slot // LOCAL_HOURS.size,
        hour=LOCAL_HOURS[slot % LOCAL_HOURS.size],
        subject=rng.integers(0, len(SUBJECTS), tutor.size),
    )
    return places, rank[:, None] < counts[tutor]


def _places_a_week(settings: MarketSettings, tutors: Tutors, rng: np.random.Generator) -> Ints:
    """Open places (tutors, weeks): more for engaged tutors; bookings remain for a while after a tutor has left."""
    weeks = np.arange(settings.weeks)
    stays = (tutors.first_week[:, None] <= weeks) & (weeks <= tutors.last_week[:, None])
    booked = (tutors.first_week[:, None] <= weeks) & (weeks <= tutors.last_week[:, None] + 3)
    rate = tutors.capacity[:, None] * np.exp(ON_LOAD * tutors.engagement)
    rate *= settings.sessions_per_day * 7 * settings.weeks / ATTENDED_SHARE / (rate * stays).sum()
    rate = np.minimum(rate, MOST_LOAD * settings.sessions_per_day * 7 / settings.tutors)
    # One offset per tutor rounds without bias and changes the number only when the rate changes.
    return np.asarray(np.floor(rate * booked + booked * rng.random((tutors.n, 1))), dtype=np.int64)


def _slots(n: int, rng: np.random.Generator) -> Ints:
    """All weekday-and-hour slots in a random order for each of n tutors, popular ones first: no slot twice."""
    popularity = np.log(np.outer(WEEKDAY_SHARES, HOUR_SHARES)).reshape(-1)
    return np.asarray(np.argsort(-(popularity + rng.gumbel(size=(n, popularity.size))), axis=1))


def _starts(settings: MarketSettings, places: Places, place: Ints, week: Ints, rng: np.random.Generator) -> Ints:
    usual = rng.random(place.size) < USUAL_SHARE
    weekday = np.where(usual, places.weekday[place], rng.choice(7, place.size, p=WEEKDAY_SHARES))
    hour = np.where(usual, places.hour[place], rng.choice(LOCAL_HOURS, place.size, p=HOUR_SHARES))
    midnight = microseconds(settings.begin) // DAY * DAY
    local = midnight + week * WEEK + (weekday - settings.begin.weekday()) % 7 * DAY + hour * HOUR
    return _local_to_utc(local, places.zone[place])


def _local_to_utc(local: Ints, zone: Ints) -> Ints:
    """Convert local times to UTC: a weekly session keeps its local hour across daylight saving changes."""
    utc = np.empty_like(local)
    for code, name in enumerate(ZONES):
        rows = np.flatnonzero(zone == code)
        utc[rows] = to_utc(local[rows], name)
    return utc


def _segments(
    settings: MarketSettings, tutors: Tutors, tutor: Ints, place: Ints, starts_at: Ints, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Segment of each session, and the end of the previous segment in the same place; sessions by place."""
    same_place = np.diff(place, prepend=-1) == 0
    chance = PAIR_ENDS * np.exp(ON_QUALITY * settings.signal * tutors.quality[tutor])
    begins = ~same_place | (rng.random(place.size) < chance)
    segment = np.cumsum(begins) - 1
    first = np.flatnonzero(begins)
    before = np.where(same_place[first], starts_at[first - 1] + HOUR, np.iinfo(np.int64).min)
    return segment, before[segment]


def _bookings(earliest: Ints, starts_at: Ints, rng: np.random.Generator) -> Ints:
    """Booking time of each session: not before `earliest`, but at least an hour before the start."""
    n = starts_at.size
    earliest = np.maximum(earliest, 0) + rng.integers(0, DAY, n)
    days = np.where(rng.random(n) < SOON_SHARE, rng.uniform(1 / 24, 1, n), rng.uniform(1, 21, n))
    return np.minimum(np.maximum(starts_at - (days * DAY).astype(np.int64), earliest), starts_at - HOUR)


def pick(rng: np.random.Generator, n: int, low: float, high: float) -> Floats:
    """Log-uniform draws between two positive bounds."""
    return np.asarray(np.exp(rng.uniform(np.log(low), np.log(high), n)))
