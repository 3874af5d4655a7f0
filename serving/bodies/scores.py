"""Response bodies of the routes that read scores."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from domain.disclosure import WITHHELD, is_withheld
from domain.score_kinds import SCORE_KINDS, Measure
from domain.scores import Reason, Score, WhatIf, points
from domain.vocabulary import Band, ScoreKind, SubjectKind
from insights.advice import recommendations
from insights.advice.score_status import ScoreStatus


class _ResponseBody(BaseModel):
    """A response body."""

    model_config = ConfigDict(frozen=True)


class KindScore(_ResponseBody):
    """Score of one kind with its 95 % interval, or null with the reason in `message`.

    Values are fractions in 0..1, but `sessions_at_risk` is an expected number of `out_of` booked sessions.
    """

    kind: ScoreKind
    subject_kind: SubjectKind
    subject_id: str | None = Field(
        description="id of the tutor, or of the next session for `no_show`; null if no session is booked"
    )
    value: float | None = Field(description="a risk, rate or quality in 0..1, or a count; null if there is no score")
    low: float | None
    high: float | None
    out_of: int | None = Field(description="for a count, the largest value possible; null for a fraction")
    band: Band | None
    points: int | None = Field(description="the value as 0 to 100 points; null for a count")
    reasons: tuple[Reason, ...]
    action: str | None
    what_if: WhatIf | None
    act_from: float | None = Field(
        description="threshold of the band `act`: values from here up, for a quality from here down"
    )
    trend: float | None = Field(description="the value minus that of a week earlier; null if there was none")
    as_of: datetime | None
    model_version: str | None
    message: str | None = Field(description="why there is no value, or why reasons are withheld")

    @classmethod
    def of(cls, score: Score, trend: float | None) -> Self:
        """The view of a score; where advice is withheld, the sentence is its message."""
        return cls(
            kind=score.kind,
            subject_kind=score.subject_kind,
            subject_id=score.subject_id,
            value=score.value,
            low=score.low,
            high=score.high,
            out_of=score.out_of,
            band=score.band,
            points=points(score.value) if SCORE_KINDS[score.kind].measure is not Measure.COUNT else None,
            reasons=score.reasons,
            action=None if is_withheld(score) else score.action,
            what_if=score.what_if,
            act_from=score.act_from,
            trend=trend,
            as_of=score.as_of,
            model_version=score.model_version,
            message=WITHHELD if is_withheld(score) else None,
        )

    @classmethod
    def missing(cls, kind: ScoreKind, subject_kind: SubjectKind, subject_id: str | None, why: str) -> Self:
        """An entry without a score; `why` becomes its message."""
        empty = dict.fromkeys(cls.model_fields)
        known = {"kind": kind, "subject_kind": subject_kind, "subject_id": subject_id, "message": why, "reasons": ()}
        return cls.model_validate(empty | known)


class NextSession(_ResponseBody):
    """The tutor's next booked session."""

    session_id: str
    starts_at: datetime


class TutorScores(_ResponseBody):
    """Current scores of a tutor, one entry per kind."""

    tutor_id: str
    status: ScoreStatus
    message: str
    scores: tuple[KindScore, ...]
    next_session: NextSession | None


class ListedScore(_ResponseBody):
    """One score of a tutor in the list of tutors."""

    value: float
    low: float
    high: float
    band: Band
    points: int
    as_of: datetime

    @classmethod
    def of(cls, score: Score) -> Self:
        """The list's view of a score."""
        return cls(
            value=score.value,
            low=score.low,
            high=score.high,
            band=score.band,
            points=points(score.value),
            as_of=score.as_of,
        )


class ListedCount(_ResponseBody):
    """Expected number of sessions of a tutor in the list of tutors, out of those booked, with its 95 % interval."""

    value: float
    low: float
    high: float
    out_of: int
    as_of: datetime

    @classmethod
    def of(cls, score: Score) -> Self:
        """The list's view of a count."""
        return cls(value=score.value, low=score.low, high=score.high, out_of=score.out_of or 0, as_of=score.as_of)


class ListedTutor(_ResponseBody):
    """One tutor in the list. `band`, `reasons` and `action` are those of `help`."""

    tutor_id: str
    name: str
    timezone: str | None
    active: bool = Field(description="whether the tutor was scored within the last day")
    band: Band | None
    sessions_at_risk: ListedCount | None = Field(
        description="sessions booked for the next 14 days that are expected to be missed, or left before, if nothing "
        "is done; the default order"
    )
    help: ListedScore | None
    no_show_14d: ListedScore | None
    churn_30d: ListedScore | None
    reschedule_rate_30d: ListedScore | None
    session_quality: ListedScore | None
    reasons: tuple[Reason, ...]
    action: str | None


class TutorList(_ResponseBody):
    """One page of tutors, with the cursor of the next page."""

    tutors: tuple[ListedTutor, ...]
    next_cursor: str | None = Field(description="send it as `cursor` for the next page; null on the last")


class Recommendation(_ResponseBody):
    """One recommended action for a tutor, with its reasons and expected effect."""

    about: ScoreKind
    subject_kind: SubjectKind
    subject_id: str
    starts_at: datetime | None = Field(description="start of the session concerned; null if the tutor is concerned")
    risk: float
    band: Band
    action: str
    reasons: tuple[Reason, ...]
    what_if: WhatIf | None = Field(
        description="the model's estimate for one change; learned from observed data, not from a trial"
    )
    measured_effect: str | None = Field(description="effect of such contacts so far, measured against the holdout")

    @classmethod
    def of(cls, recommendation: recommendations.Recommendation) -> Self:
        """The view of a recommendation."""
        score = recommendation.score
        return cls(
            about=score.kind,
            subject_kind=score.subject_kind,
            subject_id=score.subject_id,
            starts_at=recommendation.starts_at,
            risk=score.value,
            band=score.band,
            action=recommendation.action,
            reasons=score.reasons,
            what_if=score.what_if,
            measured_effect=recommendation.measured_effect,
        )


class Recommendations(_ResponseBody):
    """Recommended actions for a tutor, most urgent first; `message` explains an empty list."""

    tutor_id: str
    message: str
    recommendations: tuple[Recommendation, ...]


class SessionRisk(_ResponseBody):
    """A probability in 0..1 with its 95 % interval."""

    value: float
    low: float
    high: float
    band: Band


class UpcomingSession(_ResponseBody):
    """One booked session with its risk and recommended action; `risk` is null before the session is scored."""

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


class UpcomingSessions(_ResponseBody):
    """One page of upcoming sessions, riskiest first, sessions without a score last."""

    sessions: tuple[UpcomingSession, ...]
    total: int = Field(description="number of sessions on all pages")
    next_cursor: str | None = Field(description="send it as `cursor` for the next page; null on the last")
