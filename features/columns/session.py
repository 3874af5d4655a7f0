"""Features of the session: time, student, and the tutor's record at that time and with that student."""

import numpy as np

from features.as_of.evidence import missed_sessions
from features.as_of.past import Past
from features.base.array_types import Column
from features.base.holidays import is_holiday
from features.base.local_time import PARTS_OF_DAY, WEEKDAYS, slot_name
from features.base.stream import MICROSECONDS_AN_HOUR
from features.columns.feature import FLAG, NO_SHOW, Counts, feature
from features.columns.phrases import count, duration, duration_from_days, rate, words

_IN_SLOT = missed_sessions(lambda past: past.slot_outcomes)
_ON_WEEKDAY = missed_sessions(lambda past: past.weekday_outcomes)
_IN_PART = missed_sessions(lambda past: past.part_outcomes)
_OF_PAIR = missed_sessions(lambda past: past.pair_outcomes)


@feature("hours", "booking", NO_SHOW, duration("to the start"), history=False)
def hours_to_start(past: Past) -> Column:
    """Hours from the query to the session's start."""
    return (past.session.starts_at - past.queries.as_of) / MICROSECONDS_AN_HOUR


@feature("hours", "booking", NO_SHOW, duration("from booking to start"), history=False)
def lead_hours(past: Past) -> Column:
    """Hours from the booking to the session's start."""
    return (past.session.starts_at - past.session.booked_at) / MICROSECONDS_AN_HOUR


@feature(
    "0 Monday to 6 Sunday",
    "time of session",
    NO_SHOW,
    words(lambda value: f"on a {WEEKDAYS[int(value)]}"),
    history=False,
    local_time=True,
)
def weekday(past: Past) -> Column:
    """Weekday of the session in the tutor's time zone."""
    return past.session.weekday.astype(np.float64)


@feature(
    "0 to 23",
    "time of session",
    NO_SHOW,
    words(lambda value: f"at {int(value):02d}:00 in the tutor's time"),
    history=False,
    local_time=True,
)
def hour(past: Past) -> Column:
    """Hour of the session's start in the tutor's time zone."""
    return past.session.hour.astype(np.float64)


@feature(
    "0 night to 3 evening",
    "time of session",
    NO_SHOW,
    words(lambda value: ("at " if value == 0 else "in the ") + PARTS_OF_DAY[int(value)]),
    history=False,
    local_time=True,
)
def part_of_day(past: Past) -> Column:
    """Part of day of the session in the tutor's time zone, in steps of six hours from midnight."""
    return (past.session.slot % len(PARTS_OF_DAY)).astype(np.float64)


@feature(
    FLAG,
    "time of session",
    NO_SHOW,
    words(lambda value: "on a public holiday" if value else "not on a public holiday"),
    history=False,
    growing=True,
)
def holiday(past: Past) -> Column:
    """Public holiday on the day of the session, in the country of the tutor's time zone."""
    zones = past.history.zone_codes(past.session.tutor)
    return is_holiday(past.session.day, zones, past.history.zones)


@feature(
    "share of sessions",
    "no-shows at this time",
    NO_SHOW,
    rate("of the tutor's own sessions at this weekday and time of day missed"),
    counts=Counts(_IN_SLOT, "missed {share} {when} sessions so far"),
    when=lambda session, row: slot_name(int(session.slot[row])),
    monotone=+1,
    local_time=True,
)
def own_slot_no_show_rate(past: Past) -> Column:
    """Share of the tutor's sessions at this weekday and part of day that were missed, shrunk."""
    return past.priors.slot_no_show.shrink(*_IN_SLOT(past))


@feature(
    "share of sessions",
    "no-shows at this time",
    NO_SHOW,
    rate("of the tutor's own sessions on this weekday missed"),
    counts=Counts(_ON_WEEKDAY, "missed {share} {when} sessions so far"),
    when=lambda session, row: WEEKDAYS[session.weekday[row]],
    monotone=+1,
    local_time=True,
)
def own_weekday_no_show_rate(past: Past) -> Column:
    """Share of the tutor's sessions on this weekday that were missed, shrunk."""
    return past.priors.weekday_no_show.shrink(*_ON_WEEKDAY(past))


@feature(
    "share of sessions",
    "no-shows at this time",
    NO_SHOW,
    rate("of the tutor's own sessions at this part of day missed"),
    counts=Counts(_IN_PART, "missed {share} {when} sessions so far"),
    when=lambda session, row: PARTS_OF_DAY[session.hour[row] // 6],
    monotone=+1,
    local_time=True,
)
def own_part_of_day_no_show_rate(past: Past) -> Column:
    """Share of the tutor's sessions at this part of day that were missed, shrunk."""
    return past.priors.part_no_show.shrink(*_IN_PART(past))


def _of_pair(past: Past, values: Column) -> Column:
    """NaN where the session names no student, because the pair is then unknown."""
    return np.where(past.session.student_given, values, np.nan)


@feature("sessions", "pair", NO_SHOW, count("session", "with this student so far"), growing=True, worse=-1)
def pair_sessions(past: Past) -> Column:
    """Held or missed sessions of this tutor with this student so far."""
    return _of_pair(past, past.pair_outcomes.count())


@feature(
    "days",
    "pair",
    NO_SHOW,
    duration_from_days("since the last session with this student"),
    missing="no session with this student yet",
    worse=+1,
)
def pair_days_since_last(past: Past) -> Column:
    """Days since this tutor's last held or missed session with this student."""
    return past.pair_outcomes.hours_since_last() / 24


@feature(
    "no-shows",
    "no-shows with this student",
    NO_SHOW,
    count("no-show", "with this student so far"),
    share="pair_no_show_rate",
    monotone=+1,
    growing=True,
)
def pair_no_shows(past: Past) -> Column:
    """No-shows of this tutor with this student so far."""
    return _of_pair(past, past.pair_outcomes.total("missed"))


@feature(
    "share of sessions",
    "no-shows with this student",
    NO_SHOW,
    rate("of the sessions with this student missed"),
    counts=Counts(_OF_PAIR, "missed {share} sessions with this student"),
    monotone=+1,
)
def pair_no_show_rate(past: Past) -> Column:
    """Share of this tutor's sessions with this student that the tutor missed, shrunk toward the marketplace's."""
    return _of_pair(past, past.priors.pair_no_show.shrink(*_OF_PAIR(past)))


@feature(
    FLAG,
    "pair",
    NO_SHOW,
    words(lambda value: "a first session with this student" if value else "a student the tutor knows"),
    worse=+1,
)
def first_time_pair(past: Past) -> Column:
    """First session of this tutor with this student."""
    return _of_pair(past, (past.pair_outcomes.count() == 0).astype(np.float64))
