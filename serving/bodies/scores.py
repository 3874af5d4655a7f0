"""What the reading routes give, field by field."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from domain.scores import Reason, Score, WhatIf, points
from domain.vocabulary import Band, ScoreKind, SubjectKind
from insights.advice import recommendations
from insights.advice.score_status import ScoreStatus


class _Given(BaseModel):
    """A body we give."""

    model_config = ConfigDict(frozen=True)


class KindScore(_Given):
    """What is said of one kind: a fraction in 0..1 with its 95 % interval, or null with a sentence why."""

    kind: ScoreKind
    subject_kind: SubjectKind
    subject_id: str | None = Field(
        description="the tutor, or the next session for `no_show`; null where none is booked"
    )
    value: float | None = Field(description="a risk, a rate or a quality in 0..1; null where nothing can be said")
    low: float | None
    high: float | None
    band: Band | None
    points: int | None = Field(description="the value as 0 to 100")
    reasons: tuple[Reason, ...]
    action: str | None
    what_if: WhatIf | None
    act_from: float | None = Field(
        description="where the band `act` begins: from here up, for a quality from here down"
    )
    trend: float | None = Field(description="the value minus that of a week before; null without one")
    as_of: datetime | None
    model_version: str | None
    message: str | None = Field(description="why there is no value, or why reasons are not told")

    @classmethod
    def of(cls, score: Score, trend: float | None, withheld: str | None = None) -> Self:
        """What a score says; where `withheld` gives a sentence, without reasons and what to do."""
        told = withheld is None
        return cls(
            kind=score.kind,
            subject_kind=score.subject_kind,
            subject_id=score.subject_id,
            value=score.value,
            low=score.low,
            high=score.high,
            band=score.band,
            points=points(score.value),
            reasons=score.reasons if told else (),
            action=score.action if told else None,
            what_if=score.what_if if told else None,
            act_from=score.act_from,
            trend=trend,
            as_of=score.as_of,
            model_version=score.model_version,
            message=withheld,
        )

    @classmethod
    def missing(cls, kind: ScoreKind, subject_kind: SubjectKind, subject_id: str | None, why: str) -> Self:
        """That nothing can be said, and why."""
        nothing = dict.fromkeys(cls.model_fields)
        said = {"kind": kind, "subject_kind": subject_kind, "subject_id": subject_id, "message": why, "reasons": ()}
        return cls.model_validate(nothing | said)


class NextSession(_Given):
    """The tutor's next booked session."""

    session_id: str
    starts_at: datetime


class TutorScores(_Given):
    """All we say of a tutor now: every kind, once."""

    tutor_id: str
    status: ScoreStatus
    message: str
    scores: tuple[KindScore, ...]
    next_session: NextSession | None


class ListedScore(_Given):
    """One score of a tutor in the list."""

    value: float
    low: float
    high: float
    band: Band
    points: int
    as_of: datetime

    @classmethod
    def of(cls, score: Score) -> Self:
        """What the list says of a score."""
        return cls(
            value=score.value,
            low=score.low,
            high=score.high,
            band=score.band,
            points=points(score.value),
            as_of=score.as_of,
        )


class ListedTutor(_Given):
    """One line of the list. `band`, `reasons` and `action` are those of `help`."""

    tutor_id: str
    name: str
    timezone: str | None
    active: bool = Field(description="whether the last day's scoring was about this tutor")
    band: Band | None
    help: ListedScore | None
    no_show_14d: ListedScore | None
    churn_30d: ListedScore | None
    reschedule_rate_30d: ListedScore | None
    session_quality: ListedScore | None
    reasons: tuple[Reason, ...]
    action: str | None


class TutorList(_Given):
    """Some tutors, and the cursor of those that follow."""

    tutors: tuple[ListedTutor, ...]
    next_cursor: str | None = Field(description="send it as `cursor` for the next page; null on the last")


class Recommendation(_Given):
    """One thing to do about a tutor, why, and what it is expected to change."""

    about: ScoreKind
    subject_kind: SubjectKind
    subject_id: str
    starts_at: datetime | None = Field(description="of the session it is about; null where it is about the tutor")
    risk: float
    band: Band
    action: str
    reasons: tuple[Reason, ...]
    what_if: WhatIf | None = Field(
        description="what the model expects of one change; learnt from what happened, no trial"
    )
    measured_effect: str | None = Field(
        description="what such contacts changed so far, measured against those held out"
    )

    @classmethod
    def of(cls, said: recommendations.Recommendation) -> Self:
        """The view of a recommendation."""
        score = said.score
        return cls(
            about=score.kind,
            subject_kind=score.subject_kind,
            subject_id=score.subject_id,
            starts_at=said.starts_at,
            risk=score.value,
            band=score.band,
            action=said.action,
            reasons=score.reasons,
            what_if=score.what_if,
            measured_effect=said.measured_effect,
        )


class Recommendations(_Given):
    """What to do about a tutor, the most pressing first; a sentence where there is nothing to do."""

    tutor_id: str
    message: str
    recommendations: tuple[Recommendation, ...]


class SessionRisk(_Given):
    """A probability in 0..1 with its 95 % interval."""

    value: float
    low: float
    high: float
    band: Band


class UpcomingSession(_Given):
    """One booked session with its risk and what to do; `risk` is null before it is scored."""

    session_id: str
    tutor_id: str
    tutor_name: str
    timezone: str | None
    student_id: str | None
    starts_at: datetime
    risk: SessionRisk | None
    reasons: tuple[Reason, ...]
    action: str | None
    expected_effect: str | None
    what_if: WhatIf | None
    model_version: str | None
    as_of: datetime | None


class UpcomingSessions(_Given):
    """Sessions to come, the riskiest first and those without a score last."""

    sessions: tuple[UpcomingSession, ...]
    total: int = Field(description="how many sessions there are on all pages")
    next_cursor: str | None = Field(description="send it as `cursor` for the next page; null on the last")
