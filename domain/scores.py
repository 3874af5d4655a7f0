"""A score: what we say of a tutor or a session, how sure we are, and why."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict, Field

from domain.horizons import ACT_RISK, WATCH_RISK
from domain.vocabulary import Band, ScoreKind, SubjectKind

LOW_IS_BAD = frozenset({ScoreKind.SESSION_QUALITY, ScoreKind.FIRST_SESSION_QUALITY})
"""Kinds whose small values ask for attention: 1 is the best. Of all others large values do."""

WATCH_FROM: Mapping[ScoreKind, float] = MappingProxyType(
    {kind: 0.7 if kind in LOW_IS_BAD else WATCH_RISK for kind in ScoreKind}
)
"""Where Watch begins. Risks and reschedule rates: the 20 % flag. Quality: 3.8 stars of five, for most give four."""

QUALITY_ACT = 0.5
"""Quality at which Act begins, three stars of five: the middle of the scale, as one half is for a risk."""

RESCHEDULE_ACT = 0.35
"""Reschedule rate at which Act begins: a third of the sessions moved leaves a student no fixed time. Lower than the
half of a risk, since a rate is of what has happened, and a student bears each of these moves."""


class Reason(BaseModel):
    """One reason for a score.

    `effect` is its part of the score's log-odds, against the model's average row, or against what is usual in the
    marketplace; positive raises the score.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    theme: str
    text: str
    effect: float


class WhatIf(BaseModel):
    """The single change that lowers a score most, as the model expects of rows alike: no promise.

    `value` is the probability after it, `difference` by how much it changes, below 0.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    change: str
    value: float = Field(ge=0, le=1)
    difference: float = Field(lt=0)

    @property
    def words(self) -> str:
        """The change and what it is expected to make of the score, in words."""
        return f"if {self.change}, {percent(self.value)} instead of {percent(self.value - self.difference)}"


class Score(BaseModel):
    """A fraction about one subject as known at `as_of`, with its 95 % interval: a probability, a rate or a quality.

    From `act_from` on, down from it for a quality, somebody should act; None where no value is precise enough to ask
    for that.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject_kind: SubjectKind
    subject_id: str
    kind: ScoreKind
    value: float = Field(ge=0, le=1)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)
    reasons: tuple[Reason, ...] = ()
    action: str | None = None
    what_if: WhatIf | None = None
    act_from: float | None = ACT_RISK
    model_version: str
    as_of: datetime

    @property
    def band(self) -> Band:
        """How much attention the value asks for."""
        return band_of(self.kind, self.value, self.act_from)


def band(value: float, act_from: float | None = ACT_RISK) -> Band:
    """The band of a probability in 0..1; `act_from` is where Act begins, None where nothing asks for it."""
    if act_from is not None and value >= act_from:
        return Band.ACT
    return Band.WATCH if value >= WATCH_RISK else Band.OK


def band_of(kind: ScoreKind, value: float, act_from: float | None) -> Band:
    """The band of a value in 0..1 of a kind, which knows whether large or small values are bad."""
    sign = -1 if kind in LOW_IS_BAD else 1
    if act_from is not None and sign * value >= sign * act_from:
        return Band.ACT
    return Band.WATCH if sign * value >= sign * WATCH_FROM[kind] else Band.OK


def points(value: float) -> int:
    """A probability in 0..1 as the 0 to 100 score people see. The one place where it is made."""
    return round(100 * value)


def percent(share: float) -> str:
    """A fraction in 0..1 in words, with a decimal below ten percent: `1.5 %`, `23 %`."""
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"
