"""Shared enumerations, spelled as in the database and the API."""

from enum import StrEnum


class SessionStatus(StrEnum):
    """Status of a session. `no_show` is the tutor's; after a student's absence the tutor still counts as attending."""

    BOOKED = "booked"
    COMPLETED = "completed"
    NO_SHOW = "no_show"
    STUDENT_NO_SHOW = "student_no_show"
    CANCELLED = "cancelled"


class Party(StrEnum):
    """Party of an action: initiator of a reschedule or cancellation, sender or recipient of a message."""

    TUTOR = "tutor"
    STUDENT = "student"
    PLATFORM = "platform"


class SubjectKind(StrEnum):
    """Kind of subject a score is about."""

    TUTOR = "tutor"
    SESSION = "session"


class ScoreKind(StrEnum):
    """Kinds of score; every value but that of `sessions_at_risk` is a fraction in 0..1.

    no_show: the tutor misses this booked session.
    no_show_14d: the tutor misses at least one booked session of the next 14 days.
    churn_7d, churn_14d, churn_30d, churn_90d: the tutor leaves within that number of days.
    help: the tutor misses a session within 14 days or leaves within 30.
    sessions_at_risk: expected number of the booked sessions of the next 14 days that are missed, or whose tutor leaves
    before they start; the order of the ranked list.
    reschedule_rate_7d, _30d, _90d: tutor-requested reschedules per held or missed session, in that number of days.
    session_quality, first_session_quality: quality of sessions, 1 the best; of a tutor, the former also of a session.
    """

    NO_SHOW = "no_show"
    NO_SHOW_14D = "no_show_14d"
    CHURN_7D = "churn_7d"
    CHURN_14D = "churn_14d"
    CHURN_30D = "churn_30d"
    CHURN_90D = "churn_90d"
    HELP = "help"
    SESSIONS_AT_RISK = "sessions_at_risk"
    RESCHEDULE_RATE_7D = "reschedule_rate_7d"
    RESCHEDULE_RATE_30D = "reschedule_rate_30d"
    RESCHEDULE_RATE_90D = "reschedule_rate_90d"
    SESSION_QUALITY = "session_quality"
    FIRST_SESSION_QUALITY = "first_session_quality"


class Task(StrEnum):
    """Prediction target of a model; also the model's name in the registry."""

    NO_SHOW = "no_show"
    CHURN = "churn"


class Band(StrEnum):
    """Band of a score by urgency, for filters and colours."""

    OK = "ok"
    WATCH = "watch"
    ACT = "act"


class AttributeType(StrEnum):
    """Type of a customer's own column in a model."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"


class ReasonCode(StrEnum):
    """Classes of a reschedule's written reason."""

    ILLNESS = "illness"
    FAMILY = "family"
    TECHNICAL = "technical"
    SCHEDULE_CONFLICT = "schedule_conflict"
    OTHER_WORK = "other_work"
    STUDENT_REQUEST = "student_request"
    UNCLEAR = "unclear"
