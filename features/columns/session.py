"""The session asked about: when it is, with whom, and how the tutor fares then and with them."""

import numpy as np

from features.as_of.evidence import missed_of
from features.as_of.past import Past
from features.base.holidays import is_holiday
from features.base.local_time import PARTS_OF_DAY
from features.base.stream import MICROSECONDS_AN_HOUR, Column
from features.columns.feature import feature

_IN_SLOT = missed_of(lambda past: past.slot_outcomes)
_ON_WEEKDAY = missed_of(lambda past: past.weekday_outcomes)
_IN_PART = missed_of(lambda past: past.part_outcomes)
_OF_PAIR = missed_of(lambda past: past.pair_outcomes)


@feature("hours", "silence", history=False)
def hours_to_start(past: Past) -> Column:
    """Hours from the moment of asking to the session's start."""
    return (past.session.starts_at - past.queries.as_of) / MICROSECONDS_AN_HOUR


@feature("hours", "booking", history=False)
def lead_hours(past: Past) -> Column:
    """Hours from the booking to the session's start."""
    return (past.session.starts_at - past.session.booked_at) / MICROSECONDS_AN_HOUR


@feature("0 Monday to 6 Sunday", "time of session", history=False)
def weekday(past: Past) -> Column:
    """Weekday of the session in the tutor's zone."""
    return past.session.weekday.astype(np.float64)


@feature("0 to 23", "time of session", history=False)
def hour(past: Past) -> Column:
    """Hour of the session's start in the tutor's zone."""
    return past.session.hour.astype(np.float64)


@feature("0 night to 3 evening", "time of session", history=False)
def part_of_day(past: Past) -> Column:
    """Part of day of the session in the tutor's zone, six hours each from midnight."""
    return (past.session.slot % len(PARTS_OF_DAY)).astype(np.float64)


@feature("1 or 0", "time of session", history=False)
def holiday(past: Past) -> Column:
    """Whether the session is on a public holiday of the country the tutor's zone is named for."""
    zones = past.history.zone_codes(past.session.tutor)
    return is_holiday(past.session.day, zones, past.history.zones)


@feature("share of sessions", "time of session", monotone=+1, evidence=_IN_SLOT)
def own_slot_no_show_rate(past: Past) -> Column:
    """The tutor's own share of missed sessions at this weekday and part of day, shrunk."""
    return past.priors.slot_no_show.shrink(*_IN_SLOT(past))


@feature("share of sessions", "time of session", monotone=+1, evidence=_ON_WEEKDAY)
def own_weekday_no_show_rate(past: Past) -> Column:
    """The tutor's own share of missed sessions on this weekday, shrunk."""
    return past.priors.weekday_no_show.shrink(*_ON_WEEKDAY(past))


@feature("share of sessions", "time of session", monotone=+1, evidence=_IN_PART)
def own_part_of_day_no_show_rate(past: Past) -> Column:
    """The tutor's own share of missed sessions at this part of day, shrunk."""
    return past.priors.part_no_show.shrink(*_IN_PART(past))


def _of_pair(past: Past, values: Column) -> Column:
    """NaN where no student is named: then there is no telling who has met."""
    return np.where(past.session.student_given, values, np.nan)


@feature("sessions", "pair")
def pair_sessions(past: Past) -> Column:
    """Sessions of this tutor with this student so far that were held or missed."""
    return _of_pair(past, past.pair_outcomes.count())


@feature("days", "pair")
def pair_days_since_last(past: Past) -> Column:
    """Days since this tutor's last session with this student that was held or missed."""
    return past.pair_outcomes.hours_since_last() / 24


@feature("no-shows", "pair", monotone=+1)
def pair_no_shows(past: Past) -> Column:
    """No-shows of this tutor with this student so far."""
    return _of_pair(past, past.pair_outcomes.total("missed"))


@feature("share of sessions", "pair", monotone=+1, evidence=_OF_PAIR)
def pair_no_show_rate(past: Past) -> Column:
    """Share of this tutor's sessions with this student that the tutor missed, shrunk toward the marketplace's."""
    return _of_pair(past, past.priors.pair_no_show.shrink(*_OF_PAIR(past)))


@feature("1 or 0", "pair")
def first_time_pair(past: Past) -> Column:
    """Whether this tutor and this student have not met before."""
    return _of_pair(past, (past.pair_outcomes.count() == 0).astype(np.float64))
