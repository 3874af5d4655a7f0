"""A shrunk share as a person would say it: by the counts behind it."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from models.explain.words import describe

_LAST_90 = "sessions of the last 90 days"
_MOVED_90 = "reschedules of the last 90 days"

COUNTED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "no_show_rate": ("sessions so far", "missed"),
        "no_show_rate_90d": (_LAST_90, "missed"),
        "own_slot_no_show_rate": ("{place} sessions so far", "missed"),
        "own_weekday_no_show_rate": ("{place} sessions so far", "missed"),
        "own_part_of_day_no_show_rate": ("{place} sessions so far", "missed"),
        "pair_no_show_rate": ("sessions with this student", "missed"),
        "last_minute_cancellation_rate_90d": (_LAST_90, "called off less than 24 h before"),
        "last_minute_cancellation_rate_4h_90d": (_LAST_90, "called off less than 4 h before"),
        "late_share": ("sessions so far", "begun more than 5 minutes late"),
        "reschedule_rate_7d": ("sessions of the last 7 days", "moved by the tutor"),
        "reschedule_rate_30d": ("sessions of the last 30 days", "moved by the tutor"),
        "reschedule_rate_90d": (_LAST_90, "moved by the tutor"),
        "student_reschedule_rate_90d": (_LAST_90, "moved by the student"),
        "short_notice_share_90d": (_MOVED_90, "asked for less than 24 h before"),
        "student_request_share_90d": (_MOVED_90, "wished by the student"),
        "illness_share_90d": (_MOVED_90, "because of illness"),
        "family_share_90d": (_MOVED_90, "for the family"),
        "technical_share_90d": (_MOVED_90, "for technical reasons"),
        "schedule_conflict_share_90d": (_MOVED_90, "because two things met"),
        "other_work_share_90d": (_MOVED_90, "for another job"),
        "unclear_share_90d": (_MOVED_90, "for no clear reason"),
        "first_session_lost_rate": ("first sessions with new students", "not followed by another booking"),
    }
)
"""Columns that are a shrunk share: of which sessions, and what became of some of them."""


def describe_share(column: str, events: float, sessions: float, value: float, typical: float, place: str = "") -> str:
    """A shrunk share by the counts behind it: "3 of 9 Thursday evening sessions so far were missed; usual: 1 in 30".

    `value` is the shrunk share itself, all there is to say of a tutor without such sessions; NaN where it is missing.
    """
    if np.isnan(value):
        return describe(column, value)
    which, became = COUNTED[column]
    which = which.format(place=place)
    if not sessions:
        return f"no {which}: the marketplace's usual, {one_in(value)}"
    if sessions == 1:
        which = which.replace("sessions", "session", 1).replace("reschedules", "reschedule", 1)
    were = "was" if sessions == 1 else "were"
    return f"{round(events):,} of {round(sessions):,} {which} {were} {became}; usual: {one_in(typical)}"


def one_in(share: float) -> str:
    """A fraction as people count it: `1 in 30`, from two in five on `6 in 10`."""
    if share <= 0:
        return "none"
    if share >= 0.4:
        return f"{round(10 * share)} in 10"
    return f"1 in {float(f'{1 / share:.2g}'):,.0f}"
