"""Priors of rates and means, and shrinkage toward them."""

import numpy as np
from pydantic import BaseModel, ConfigDict

from features.base.array_types import Column


class Prior(BaseModel):
    """Prior of a rate or mean: its mean, and its strength in sessions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: float
    strength: float

    def shrink(self, events: Column, sessions: Column) -> Column:
        """Posterior mean of each row's rate: (rows,)."""
        with np.errstate(invalid="ignore"):  # 0 of 0 sessions with a strength of 0
            return np.asarray((events + self.strength * self.rate) / (sessions + self.strength))


NO_PRIOR = Prior(rate=0.0, strength=0.0)
"""Prior without effect: a rate stays as counted, NaN without sessions."""


class Priors(BaseModel):
    """Priors estimated for a training and stored in the sidecar of its model.

    `late_minutes` is a mean in minutes, all others are rates; `reason_…` are shares of the tutor's reschedules.
    Every prior has a default and unknown ones are ignored, so that a stored model stays readable when a prior is added
    or removed: its columns read only priors that existed at its training.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    no_show: Prior = NO_PRIOR
    slot_no_show: Prior = NO_PRIOR
    weekday_no_show: Prior = NO_PRIOR
    part_no_show: Prior = NO_PRIOR
    pair_no_show: Prior = NO_PRIOR
    last_minute: Prior = NO_PRIOR
    very_last_minute: Prior = NO_PRIOR
    reschedule: Prior = NO_PRIOR
    student_reschedule: Prior = NO_PRIOR
    short_notice: Prior = NO_PRIOR
    reason_illness: Prior = NO_PRIOR
    reason_family: Prior = NO_PRIOR
    reason_technical: Prior = NO_PRIOR
    reason_schedule_conflict: Prior = NO_PRIOR
    reason_other_work: Prior = NO_PRIOR
    reason_student_request: Prior = NO_PRIOR
    reason_unclear: Prior = NO_PRIOR
    late: Prior = NO_PRIOR
    late_minutes: Prior = NO_PRIOR
    led_nowhere: Prior = NO_PRIOR

    @classmethod
    def all_equal(cls, prior: Prior) -> "Priors":
        """Priors that all have the same value."""
        return cls(**dict.fromkeys(cls.model_fields, prior))
