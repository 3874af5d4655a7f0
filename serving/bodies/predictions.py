"""What the API takes and gives, field by field."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, StringConstraints, Tag

from domain.events.types import AttributeValue, Id, Moment
from domain.scores import Reason, Score, WhatIf, points
from domain.vocabulary import Band, ScoreKind, SubjectKind


class _Taken(BaseModel):
    """A body we take: nothing but the fields named."""

    model_config = ConfigDict(frozen=True, extra="forbid")


_EXPLAIN = Field(default=False, strict=True, description="say why and what to do, too")

FeatureValues = Annotated[
    dict[Annotated[str, StringConstraints(max_length=200)], AttributeValue],
    Field(
        min_length=1,
        max_length=1000,
        description="the model's columns by name: numbers, or text for categories of your own; what is left out or "
        "null is unknown. docs/features.md names them",
    ),
]


class KnownSession(_Taken):
    """A session that was imported."""

    session_id: Id
    explain: bool = _EXPLAIN


class DescribedSession(_Taken):
    """A session that is not stored, perhaps not booked yet."""

    tutor_id: Id
    student_id: Id | None = None
    starts_at: Moment
    booked_at: Moment | None = Field(default=None, description="now, where left out")
    attributes: dict[str, AttributeValue] = Field(default_factory=dict, description="your own columns, as imported")
    explain: bool = _EXPLAIN


class Features(_Taken):
    """A session or tutor of whom nothing is stored, described by the model's columns."""

    features: FeatureValues
    explain: bool = _EXPLAIN


class KnownTutor(_Taken):
    """A tutor who was imported."""

    tutor_id: Id
    explain: bool = _EXPLAIN


def _given(body: Any) -> Mapping[str, Any]:
    return body if isinstance(body, Mapping) else vars(body) if isinstance(body, BaseModel) else {}


def _session_tag(body: Any) -> str | None:
    given = _given(body)
    if not given.keys() - {"explain"}:
        return None
    return "columns" if "features" in given else "known" if "session_id" in given else "described"


def _tutor_tag(body: Any) -> str | None:
    given = _given(body)
    if not given.keys() - {"explain"}:
        return None
    return "columns" if "features" in given else "known"


NoShowQuestion = Annotated[
    Annotated[KnownSession, Tag("known")]
    | Annotated[DescribedSession, Tag("described")]
    | Annotated[Features, Tag("columns")],
    Discriminator(
        _session_tag,
        custom_error_type="names_nothing",
        custom_error_message="give an object with `session_id`, or `tutor_id` and `starts_at`, or `features`",
    ),
]
"""A session, by its id, by what is known of it, or by the model's columns."""

ChurnQuestion = Annotated[
    Annotated[KnownTutor, Tag("known")] | Annotated[Features, Tag("columns")],
    Discriminator(
        _tutor_tag,
        custom_error_type="names_nothing",
        custom_error_message="give an object with `tutor_id` or `features`",
    ),
]
"""A tutor, by the id or by the model's columns."""


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


class Prediction(_Given):
    """The risk of one session as of the moment of asking. Of one described by columns no tutor and start are known."""

    session_id: str | None
    tutor_id: str | None
    starts_at: datetime | None
    score: ScoreView


class ChurnPrediction(_Given):
    """The risk that a tutor leaves within each horizon, as of the moment of asking. `tutor_id` is null for columns."""

    tutor_id: str | None
    scores: tuple[ScoreView, ...]


class Health(_Given):
    """The process runs."""

    status: Literal["ok"] = "ok"


class Readiness(_Given):
    """What the API can do now. `models` gives the version that is loaded, null where none is registered."""

    status: Literal["ready", "no_model"]
    models: dict[str, str | None]
