"""The words everybody uses, as the database and the API spell them."""

from enum import StrEnum


class SessionStatus(StrEnum):
    """How a session stands. `no_show` is the tutor's; a student's absence is a session the tutor kept."""

    BOOKED = "booked"
    COMPLETED = "completed"
    NO_SHOW = "no_show"
    STUDENT_NO_SHOW = "student_no_show"
    CANCELLED = "cancelled"


class Party(StrEnum):
    """Who acts: the initiator of a reschedule or cancellation, the sender or recipient of a message."""

    TUTOR = "tutor"
    STUDENT = "student"
    PLATFORM = "platform"


class SubjectKind(StrEnum):
    """What a score is about."""

    TUTOR = "tutor"
    SESSION = "session"


class ScoreKind(StrEnum):
    """What a score says; every value is a fraction in 0..1.

    no_show: the tutor misses this booked session.
    no_show_14d: the tutor misses at least one booked session of the next 14 days.
    churn_7d, churn_14d, churn_30d, churn_90d: the tutor leaves within so many days.
    help: at least one of the two above; the order of the ranked list.
    reschedule_rate_7d, _30d, _90d: share of the tutor's sessions of so many days that the tutor moved.
    session_quality, first_session_quality: how good sessions were, 1 the best; of a tutor or, the former, of a session.
    """

    NO_SHOW = "no_show"
    NO_SHOW_14D = "no_show_14d"
    CHURN_7D = "churn_7d"
    CHURN_14D = "churn_14d"
    CHURN_30D = "churn_30d"
    CHURN_90D = "churn_90d"
    HELP = "help"
    RESCHEDULE_RATE_7D = "reschedule_rate_7d"
    RESCHEDULE_RATE_30D = "reschedule_rate_30d"
    RESCHEDULE_RATE_90D = "reschedule_rate_90d"
    SESSION_QUALITY = "session_quality"
    FIRST_SESSION_QUALITY = "first_session_quality"


class Task(StrEnum):
    """What a model predicts; also its name in the registry."""

    NO_SHOW = "no_show"
    CHURN = "churn"


class Band(StrEnum):
    """How much a score asks for attention, for filters and colours."""

    OK = "ok"
    WATCH = "watch"
    ACT = "act"


class AttributeType(StrEnum):
    """How a customer's own column enters a model."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"


class ReasonCode(StrEnum):
    """Classes of the written reason of a reschedule."""

    ILLNESS = "illness"
    FAMILY = "family"
    TECHNICAL = "technical"
    SCHEDULE_CONFLICT = "schedule_conflict"
    OTHER_WORK = "other_work"
    STUDENT_REQUEST = "student_request"
    UNCLEAR = "unclear"
