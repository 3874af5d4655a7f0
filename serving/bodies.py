"""What the API takes and gives, field by field."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Discriminator, Field, StringConstraints, Tag

from domain.scores import Reason, Score, WhatIf, points
from domain.vocabulary import Band, ScoreKind, SubjectKind

Id = Annotated[str, StringConstraints(min_length=1, max_length=200)]
AttributeValue = (
    Annotated[float, Field(strict=True, allow_inf_nan=False)]
    | Annotated[str, Field(strict=True, max_length=1000)]
    | None
)


class _Taken(BaseModel):
    """A body we take: nothing but the fields named."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class KnownSession(_Taken):
    """A session that was imported."""

    session_id: Id
    explain: bool = Field(default=False, description="say why and what to do, too")


class DescribedSession(_Taken):
    """A session that is not stored, perhaps not booked yet."""

    tutor_id: Id
    student_id: Id | None = None
    starts_at: AwareDatetime
    booked_at: AwareDatetime | None = Field(default=None, description="now, where left out")
    attributes: dict[str, AttributeValue] = Field(default_factory=dict, description="your own columns, as imported")
    explain: bool = Field(default=False, description="say why and what to do, too")


def _is_known(body: Any) -> str:
    given = body if isinstance(body, dict) else vars(body) if isinstance(body, BaseModel) else ()
    return "known" if "session_id" in given else "described"


NoShowQuestion = Annotated[
    Annotated[KnownSession, Tag("known")] | Annotated[DescribedSession, Tag("described")], Discriminator(_is_known)
]
"""A session, by its id or by what is known of it."""


class _Given(BaseModel):
    """A body we give."""

    model_config = ConfigDict(frozen=True)


class ScoreView(_Given):
    """One score: a probability in 0..1 with its 95 % interval, and the same as 0 to 100 points."""

    subject_kind: SubjectKind
    subject_id: str
    kind: ScoreKind
    value: float
    low: float
    high: float
    band: Band
    points: int
    reasons: tuple[Reason, ...]
    action: str | None
    what_if: WhatIf | None = None
    act_from: float | None = Field(description="from this value on the band is `act`; null where no value is")
    as_of: datetime
    model_version: str

    @classmethod
    def of(cls, score: Score) -> Self:
        """The view of a score."""
        return cls(**dict(score), band=score.band, points=points(score.value))


class NextSession(_Given):
    """The tutor's next booked session."""

    session_id: str
    starts_at: datetime


class ScoreStatus(StrEnum):
    """Whether there are scores, and if not, why."""

    SCORED = "scored"
    NOT_SCORED = "not_scored"
    NO_MODEL = "no_model"


class TutorScores(_Given):
    """All we say of a tutor now."""

    tutor_id: str
    status: ScoreStatus
    message: str
    scores: tuple[ScoreView, ...]
    next_session: NextSession | None


class Prediction(_Given):
    """The risk of one session as of the moment of asking."""

    session_id: str | None
    tutor_id: str
    starts_at: datetime
    score: ScoreView


class Health(_Given):
    """The process runs."""

    status: Literal["ok"] = "ok"


class Readiness(_Given):
    """What the API can do now. `models` gives the version that is loaded, null where none is registered."""

    status: Literal["ready", "no_model"]
    models: dict[str, str | None]
