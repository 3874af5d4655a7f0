"""Prior means of rates and how strongly they pull a small sample."""

from pydantic import BaseModel, ConfigDict

from features.base.stream import Column


class Prior(BaseModel):
    """A prior of a rate or mean: its own mean, and its strength counted in sessions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: float
    strength: float

    def shrink(self, events: Column, sessions: Column) -> Column:
        """The posterior mean of each row's rate: (rows,)."""
        return (events + self.strength * self.rate) / (sessions + self.strength)


class Priors(BaseModel):
    """The priors a model was trained with; they travel with it.

    `late_minutes` is a mean in minutes, all others are rates; `reason_…` are shares of the tutor's reschedules.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    no_show: Prior
    slot_no_show: Prior
    weekday_no_show: Prior
    part_no_show: Prior
    pair_no_show: Prior
    last_minute: Prior
    very_last_minute: Prior
    reschedule: Prior
    student_reschedule: Prior
    short_notice: Prior
    reason_illness: Prior
    reason_family: Prior
    reason_technical: Prior
    reason_schedule_conflict: Prior
    reason_other_work: Prior
    reason_student_request: Prior
    reason_unclear: Prior
    late: Prior
    late_minutes: Prior
    led_nowhere: Prior

    @classmethod
    def all_equal(cls, prior: Prior) -> "Priors":
        """The same prior of everything."""
        return cls(**dict.fromkeys(cls.model_fields, prior))
