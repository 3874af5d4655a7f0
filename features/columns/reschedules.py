"""Features of reschedules: number, requesting party, notice and reason."""

import numpy as np

from domain.vocabulary import ReasonCode
from features.as_of import evidence
from features.as_of.evidence import Evidence
from features.as_of.past import Past
from features.as_of.priors import Prior
from features.base.array_types import Column
from features.base.stream import MICROSECONDS_AN_HOUR, ratio
from features.columns.feature import BOTH, NO_SHOW, Counts, feature
from features.columns.phrases import count, duration, rate

_BY_TUTOR_7D, _BY_TUTOR_30D, _BY_TUTOR_90D = (evidence.reschedules("by_tutor", days) for days in (7, 30, 90))
_BY_STUDENTS_90D = evidence.reschedules("by_student", 90)
_SHORT_NOTICE_90D = evidence.short_notice(90)
_ILLNESS, _FAMILY = (evidence.reason(code, 90) for code in (ReasonCode.ILLNESS, ReasonCode.FAMILY))
_TECHNICAL, _UNCLEAR = (evidence.reason(code, 90) for code in (ReasonCode.TECHNICAL, ReasonCode.UNCLEAR))
_CONFLICT = evidence.reason(ReasonCode.SCHEDULE_CONFLICT, 90)
_OTHER_WORK = evidence.reason(ReasonCode.OTHER_WORK, 90)
_STUDENT_REQUEST = evidence.reason(ReasonCode.STUDENT_REQUEST, 90)


@feature(
    "reschedules",
    "reschedules",
    BOTH,
    count("reschedule", "by the tutor in the last 7 days"),
    share="reschedule_rate_7d",
    worse=+1,
)
def reschedules_7d(past: Past) -> Column:
    """Reschedules requested by the tutor in the last 7 days."""
    return past.reschedules.total("by_tutor", days=7)


@feature(
    "reschedules",
    "reschedules",
    NO_SHOW,
    count("reschedule", "by the tutor in the last 30 days"),
    share="reschedule_rate_30d",
    worse=+1,
)
def reschedules_30d(past: Past) -> Column:
    """Reschedules requested by the tutor in the last 30 days."""
    return past.reschedules.total("by_tutor", days=30)


@feature(
    "reschedules",
    "reschedules",
    NO_SHOW,
    count("reschedule", "by the tutor in the last 90 days"),
    share="reschedule_rate_90d",
    worse=+1,
)
def reschedules_90d(past: Past) -> Column:
    """Reschedules requested by the tutor in the last 90 days."""
    return past.reschedules.total("by_tutor", days=90)


@feature(
    "share of sessions",
    "reschedules",
    NO_SHOW,
    rate("of sessions rescheduled in the last 7 days"),
    counts=Counts(_BY_TUTOR_7D, "moved {share} sessions in the last 7 days"),
    worse=+1,
)
def reschedule_rate_7d(past: Past) -> Column:
    """Reschedules requested by the tutor per held or missed session, last 7 days, shrunk."""
    return past.priors.reschedule.shrink(*_BY_TUTOR_7D(past))


@feature(
    "share of sessions",
    "reschedules",
    BOTH,
    rate("of sessions rescheduled in the last 30 days"),
    counts=Counts(_BY_TUTOR_30D, "moved {share} sessions in the last 30 days"),
    worse=+1,
)
def reschedule_rate_30d(past: Past) -> Column:
    """Reschedules requested by the tutor per held or missed session, last 30 days, shrunk."""
    return past.priors.reschedule.shrink(*_BY_TUTOR_30D(past))


@feature(
    "share of sessions",
    "reschedules",
    BOTH,
    rate("of sessions rescheduled in the last 90 days"),
    counts=Counts(_BY_TUTOR_90D, "moved {share} sessions in the last 90 days"),
    worse=+1,
)
def reschedule_rate_90d(past: Past) -> Column:
    """Reschedules requested by the tutor per held or missed session, last 90 days, shrunk."""
    return past.priors.reschedule.shrink(*_BY_TUTOR_90D(past))


@feature("reschedules", "reschedules", NO_SHOW, count("reschedule", "by students in the last 30 days"))
def student_reschedules_30d(past: Past) -> Column:
    """Reschedules of the tutor's sessions requested by students in the last 30 days."""
    return past.reschedules.total("by_student", days=30)


@feature(
    "share of sessions",
    "reschedules",
    NO_SHOW,
    rate("of sessions in the last 90 days rescheduled by students"),
    counts=Counts(_BY_STUDENTS_90D, "students moved {share} sessions in the last 90 days"),
)
def student_reschedule_rate_90d(past: Past) -> Column:
    """Reschedules requested by students per held or missed session, last 90 days, shrunk."""
    return past.priors.student_reschedule.shrink(*_BY_STUDENTS_90D(past))


@feature("reschedules", "moves of this session", NO_SHOW, count("reschedule", "of this session so far"), worse=+1)
def session_reschedules(past: Past) -> Column:
    """Reschedules of this session so far, by anyone."""
    return past.session_moves.count()


@feature("hours", "reschedules", NO_SHOW, duration("of notice on average when rescheduling"), worse=-1)
def reschedule_notice_hours_90d(past: Past) -> Column:
    """Mean hours from the tutor's reschedule requests of the last 90 days to the original start."""
    notice, noticed = past.reschedules.total("notice", 90), past.reschedules.total("noticed", 90)
    return ratio(notice / MICROSECONDS_AN_HOUR, noticed)


def _share(prior: Prior, evidence_of: Evidence, past: Past) -> Column:
    events, reschedules = evidence_of(past)
    return np.where(reschedules > 0, prior.shrink(events, reschedules), np.nan)


@feature(
    "share of reschedules",
    "reschedules",
    NO_SHOW,
    rate("of reschedules in the last 90 days less than 24 h before"),
    counts=Counts(_SHORT_NOTICE_90D, "requested {share} reschedules in the last 90 days less than 24 h before"),
    worse=+1,
)
def short_notice_share_90d(past: Past) -> Column:
    """Share of the tutor's reschedules of the last 90 days requested less than 24 h before the start, shrunk."""
    return _share(past.priors.short_notice, _SHORT_NOTICE_90D, past)


@feature(
    "share of reschedules",
    "reschedules",
    NO_SHOW,
    rate("of reschedules in the last 90 days requested by the student"),
    counts=Counts(_STUDENT_REQUEST, "requested {share} reschedules in the last 90 days at the student's request"),
)
def student_request_share_90d(past: Past) -> Column:
    """Share of the tutor's reschedules of the last 90 days made at the student's request, shrunk."""
    return _share(past.priors.reason_student_request, _STUDENT_REQUEST, past)


@feature(
    "share of reschedules",
    "reschedules",
    NO_SHOW,
    rate("of reschedules in the last 90 days because of illness"),
    counts=Counts(_ILLNESS, "requested {share} reschedules in the last 90 days because of illness"),
)
def illness_share_90d(past: Past) -> Column:
    """Share of the tutor's reschedules of the last 90 days made because of illness, shrunk."""
    return _share(past.priors.reason_illness, _ILLNESS, past)


@feature(
    "share of reschedules",
    "reschedules",
    NO_SHOW,
    rate("of reschedules in the last 90 days for family reasons"),
    counts=Counts(_FAMILY, "requested {share} reschedules in the last 90 days for family reasons"),
)
def family_share_90d(past: Past) -> Column:
    """Share of the tutor's reschedules of the last 90 days made for family reasons, shrunk."""
    return _share(past.priors.reason_family, _FAMILY, past)


@feature(
    "share of reschedules",
    "reschedules",
    NO_SHOW,
    rate("of reschedules in the last 90 days for technical reasons"),
    counts=Counts(_TECHNICAL, "requested {share} reschedules in the last 90 days for technical reasons"),
)
def technical_share_90d(past: Past) -> Column:
    """Share of the tutor's reschedules of the last 90 days made for technical reasons, shrunk."""
    return _share(past.priors.reason_technical, _TECHNICAL, past)


@feature(
    "share of reschedules",
    "reschedules",
    NO_SHOW,
    rate("of reschedules in the last 90 days because of a schedule conflict"),
    counts=Counts(_CONFLICT, "requested {share} reschedules in the last 90 days because of a schedule conflict"),
)
def schedule_conflict_share_90d(past: Past) -> Column:
    """Share of the tutor's reschedules of the last 90 days made because of a schedule conflict, shrunk."""
    return _share(past.priors.reason_schedule_conflict, _CONFLICT, past)


@feature(
    "share of reschedules",
    "reschedules",
    NO_SHOW,
    rate("of reschedules in the last 90 days for other work"),
    counts=Counts(_OTHER_WORK, "requested {share} reschedules in the last 90 days for other work"),
)
def other_work_share_90d(past: Past) -> Column:
    """Share of the tutor's reschedules of the last 90 days made for other work, shrunk."""
    return _share(past.priors.reason_other_work, _OTHER_WORK, past)


@feature(
    "share of reschedules",
    "reschedules",
    NO_SHOW,
    rate("of reschedules in the last 90 days without a clear reason"),
    counts=Counts(_UNCLEAR, "requested {share} reschedules in the last 90 days without a clear reason"),
)
def unclear_share_90d(past: Past) -> Column:
    """Share of the tutor's reschedules of the last 90 days without a clear reason, shrunk."""
    return _share(past.priors.reason_unclear, _UNCLEAR, past)
