"""Bodies of predictions and probes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, StringConstraints, Tag

from domain.events.types import AttributeValue, Id, Moment
from domain.scores import Reason, Score, WhatIf, points
from domain.vocabulary import Band, ScoreKind, SubjectKind


class _RequestBody(BaseModel):
    """A request body; unknown fields are rejected."""

    model_config = ConfigDict(frozen=True, extra="forbid")


_EXPLAIN = Field(default=False, strict=True, description="whether to include reasons and the recommended action")

FeatureValues = Annotated[
    dict[Annotated[str, StringConstraints(max_length=200)], AttributeValue],
    Field(
        min_length=1,
        max_length=1000,
        description="feature values by column name: numbers, or text for custom categories. A column that is omitted "
        "or null counts as unknown. docs/features.md lists the columns",
    ),
]


class KnownSession(_RequestBody):
    """A stored session."""

    session_id: Id
    explain: bool = _EXPLAIN


class DescribedSession(_RequestBody):
    """A session that is not stored, for example one not booked yet."""

    tutor_id: Id
    student_id: Id | None = None
    starts_at: Moment
    booked_at: Moment | None = Field(default=None, description="defaults to now")
    attributes: dict[str, AttributeValue] = Field(default_factory=dict, description="custom columns, as imported")
    explain: bool = _EXPLAIN


class Features(_RequestBody):
    """A session or tutor without stored data, described by feature values."""

    features: FeatureValues
    explain: bool = _EXPLAIN


class KnownTutor(_RequestBody):
    """A stored tutor."""

    tutor_id: Id
    explain: bool = _EXPLAIN


def _fields(body: Any) -> Mapping[str, Any]:
    return body if isinstance(body, Mapping) else vars(body) if isinstance(body, BaseModel) else {}


def _session_tag(body: Any) -> str | None:
    fields = _fields(body)
    if not fields.keys() - {"explain"}:
        return None
    return "columns" if "features" in fields else "known" if "session_id" in fields else "described"


def _tutor_tag(body: Any) -> str | None:
    fields = _fields(body)
    if not fields.keys() - {"explain"}:
        return None
    return "columns" if "features" in fields else "known"


NoShowQuestion = Annotated[
    Annotated[KnownSession, Tag("known")]
    | Annotated[DescribedSession, Tag("described")]
    | Annotated[Features, Tag("columns")],
    Discriminator(
        _session_tag,
        custom_error_type="names_nothing",
        custom_error_message="must be an object with `session_id`, or `tutor_id` and `starts_at`, or `features`",
    ),
]
"""A session, given by its id, its description or feature values."""

ChurnQuestion = Annotated[
    Annotated[KnownTutor, Tag("known")] | Annotated[Features, Tag("columns")],
    Discriminator(
        _tutor_tag,
        custom_error_type="names_nothing",
        custom_error_message="must be an object with `tutor_id` or `features`",
    ),
]
"""A tutor, given by the id or feature values."""


class _ResponseBody(BaseModel):
    """A response body."""

    model_config = ConfigDict(frozen=True)


class ScoreView(_ResponseBody):
    """One score: a probability in 0..1 with its 95 % interval, also as points from 0 to 100."""

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
    act_from: float | None = Field(description="least value of the band `act`; null if no value is in that band")
    as_of: datetime
    model_version: str

    @classmethod
    def of(cls, score: Score) -> Self:
        """The view of a score."""
        return cls(**dict(score), band=score.band, points=points(score.value))


class Prediction(_ResponseBody):
    """Risk of one session as of the request. `tutor_id` and `starts_at` are null for a request with `features`."""

    session_id: str | None
    tutor_id: str | None
    starts_at: datetime | None
    score: ScoreView


class ChurnPrediction(_ResponseBody):
    """Risk of leaving within each horizon, as of the request. `tutor_id` is null for a request with `features`."""

    tutor_id: str | None
    scores: tuple[ScoreView, ...]


class Health(_ResponseBody):
    """Liveness of the process."""

    status: Literal["ok"] = "ok"


class Readiness(_ResponseBody):
    """Readiness of the API. `models` has the champion's version by task, null if there is none."""

    status: Literal["ready", "no_model"]
    models: dict[str, str | None]
