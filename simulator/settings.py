"""Settings of a simulated marketplace."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

DEFAULT_END = datetime(2026, 6, 30, tzinfo=UTC)


class RegimeKind(StrEnum):
    """Quantity changed by a regime change."""

    NO_SHOW = "no_show"
    RESCHEDULE = "reschedule"
    CHURN = "churn"


class Regime(BaseModel):
    """Regime change: from `at` on, the odds (for churn the hazard) of `kind` are multiplied by `factor`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: datetime
    kind: RegimeKind
    factor: float = Field(gt=0)


class MarketSettings(BaseModel):
    """Size, seed and present moment. `end` is the present: data that becomes known at or after it is omitted.

    With `no_signal` every outcome is drawn with the same probability, regardless of tutor and session.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tutors: int = Field(1200, ge=1)
    days: int = Field(180, ge=7)
    sessions_per_day: int = Field(3000, ge=1)
    seed: int = Field(0, ge=0)
    no_signal: bool = False
    end: datetime = DEFAULT_END
    regimes: tuple[Regime, ...] = ()

    @property
    def begin(self) -> datetime:
        """Start of the first simulated day."""
        return self.end - timedelta(days=self.days)

    @property
    def weeks(self) -> int:
        """Number of simulated weeks: the history and two weeks of bookings ahead."""
        return (self.days + 14 + 6) // 7

    @property
    def signal(self) -> float:
        """Factor on every effect: 1, or 0 without signal."""
        return 0.0 if self.no_signal else 1.0

    def regime_factor(self, kind: RegimeKind, times: np.ndarray) -> np.ndarray:
        """The factor on the odds at each time, UTC microseconds, any shape."""
        factor = np.ones(times.shape)
        for regime in self.regimes:
            if regime.kind is kind:
                factor[times >= microseconds(regime.at)] *= regime.factor
        return factor


def microseconds(moment: datetime) -> int:
    """Convert an aware datetime to UTC microseconds."""
    return round(moment.timestamp() * 1e6)
