"""A score of a tutor or session, with its interval and reasons."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.horizons import ACT_RISK, WATCH_RISK
from domain.score_kinds import SCORE_KINDS, Measure
from domain.vocabulary import Band, ScoreKind, SubjectKind

MAX_REASONS = 3
"""Most reasons of a score."""


class Reason(BaseModel):
    """One reason for a score.

    `effect` is its contribution to the score's log odds, relative to the model's average row or to the marketplace's
    prior; a positive effect raises the score.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    theme: str
    text: str
    effect: float


class WhatIf(BaseModel):
    """The single change that lowers a score most, according to the model: an expectation for similar rows, no promise.

    `value` is the probability after the change; `difference` is the change in probability, below 0.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    change: str
    value: float = Field(ge=0, le=1)
    difference: float = Field(lt=0)

    @property
    def words(self) -> str:
        """The change and the score expected after it, in words."""
        return f"if {self.change}, {percent(self.value)} instead of {percent(self.value - self.difference)}"


class Score(BaseModel):
    """A value about one subject as known at `as_of`, with its 95 % interval.

    A probability, rate or quality is a fraction in 0..1 without `out_of`; a count is at most `out_of`. `act_from` is
    where the band Act begins (for a quality: the value at or below which it applies); None where no value is precise
    enough to require action.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject_kind: SubjectKind
    subject_id: str
    kind: ScoreKind
    value: float = Field(ge=0, allow_inf_nan=False)
    low: float = Field(ge=0, allow_inf_nan=False)
    high: float = Field(ge=0, allow_inf_nan=False)
    out_of: int | None = Field(default=None, ge=0)
    reasons: tuple[Reason, ...] = ()
    action: str | None = None
    what_if: WhatIf | None = None
    act_from: float | None = ACT_RISK
    model_version: str
    as_of: datetime

    @model_validator(mode="after")
    def _within_its_limit(self) -> Self:
        if (self.out_of is None) is (SCORE_KINDS[self.kind].measure is Measure.COUNT):
            raise ValueError("a count has `out_of`, a fraction does not")
        if max(self.value, self.low, self.high) > (1 if self.out_of is None else self.out_of):
            raise ValueError("a fraction is at most 1, a count at most `out_of`")
        return self

    @property
    def band(self) -> Band:
        """Band of the value."""
        return band_of(self.kind, self.value, self.act_from)


def band(value: float, act_from: float | None = ACT_RISK) -> Band:
    """Band of a probability in 0..1; `act_from` is where Act begins, None for never."""
    if act_from is not None and value >= act_from:
        return Band.ACT
    return Band.WATCH if value >= WATCH_RISK else Band.OK


def band_of(kind: ScoreKind, value: float, act_from: float | None) -> Band:
    """Band of a value in 0..1; the kind determines whether high or low values are bad."""
    described = SCORE_KINDS[kind]
    sign = -1 if described.low_is_bad else 1
    if act_from is not None and sign * value >= sign * act_from:
        return Band.ACT
    return Band.WATCH if sign * value >= sign * described.watch_from else Band.OK


def least_risk(wanted: Band) -> float:
    """The lowest probability in a band, with the default threshold of Act."""
    return {Band.OK: 0.0, Band.WATCH: WATCH_RISK, Band.ACT: ACT_RISK}[wanted]


def points(value: float) -> int:
    """The 0 to 100 score shown to people for a probability in 0..1. No other code computes it."""
    return round(100 * value)


def percent(share: float) -> str:
    """Format a fraction as percent, with one decimal below ten percent: `1.5 %`, `23 %`, `−4.0 %`."""
    sign, size = "−" if share < 0 else "", abs(share)
    return f"{sign}{100 * size:.1f} %" if size < 0.1 else f"{sign}{100 * size:.0f} %"
