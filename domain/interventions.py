"""Contacts about tomorrow's sessions: plan, holdout, status and measured effect."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType

from domain.errors import ContactClosed


class Arm(StrEnum):
    """Randomly assigned arm of a tutor on a day's list: contacted, or held out for comparison."""

    CONTACT = "contact"
    HOLDOUT = "holdout"


class ContactStatus(StrEnum):
    """Status of a contact."""

    PLANNED = "planned"
    UNREACHED = "unreached"
    DONE = "done"


TRANSITIONS: Mapping[ContactStatus, frozenset[ContactStatus]] = MappingProxyType(
    {
        ContactStatus.PLANNED: frozenset({ContactStatus.UNREACHED, ContactStatus.DONE}),
        ContactStatus.UNREACHED: frozenset({ContactStatus.DONE}),
        ContactStatus.DONE: frozenset(),
    }
)
"""Allowed status transitions of a contact."""


def can_become(status: ContactStatus, to: ContactStatus) -> bool:
    """Whether a contact may change from one status to another."""
    return to in TRANSITIONS[status]


def check_becomes(contact: int, status: ContactStatus, to: ContactStatus) -> None:
    """Raise ContactClosed, listing the allowed transitions, unless the contact may change from `status` to `to`."""
    if can_become(status, to):
        return
    possible = ", ".join(sorted(TRANSITIONS[status])) or "no other status"
    raise ContactClosed(f"contact {contact} is {status} and cannot become {to}; {status} can become {possible}")


@dataclass(frozen=True)
class PlannedSession:
    """A session of a contact, with its start and its no-show risk (0..1) at planning time."""

    session_id: str
    starts_at: datetime
    risk: float


@dataclass(frozen=True)
class PlannedContact:
    """One tutor on a day's list. `expected_prevented` (no-shows) is None while the effect is unknown."""

    tutor_id: str
    arm: Arm
    action: str
    rank: int
    expected_prevented: float | None
    sessions: tuple[PlannedSession, ...]

    @property
    def risk(self) -> float:
        """Expected number of no-shows among the sessions without a contact."""
        return sum(session.risk for session in self.sessions)


@dataclass(frozen=True)
class ContactPlan:
    """A day's list with both arms, and the parameters of the draw."""

    day: date
    capacity: int
    holdout_share: float
    seed: int
    contacts: tuple[PlannedContact, ...]


@dataclass(frozen=True)
class ContactOutcome:
    """Outcome of one session on a list, for either arm.

    `missed` is a no-show at the planned start: a session cancelled or moved in time is not missed.
    """

    contact_id: int
    tutor_id: str
    action: str
    arm: Arm
    risk: float
    missed: bool


@dataclass(frozen=True)
class Estimate:
    """A value with the bounds of its interval."""

    value: float
    low: float
    high: float


class Verdict(StrEnum):
    """Conclusion that the interval of an effect supports."""

    TOO_FEW = "too few to say"
    PREVENTS = "prevents no-shows"
    UNCLEAR = "no clear effect"
    HARMS = "more no-shows"


@dataclass(frozen=True)
class ArmCount:
    """Number of observations in one arm."""

    contacts: int
    sessions: int
    tutors: int
    no_shows: int


@dataclass(frozen=True)
class Effect:
    """Intention-to-treat effect of contacting; `action` None means all actions together.

    `absolute`: difference of the no-show share, contacted minus holdout (negative is good). `relative`: share of
    no-shows prevented. `per_100`: no-shows prevented by 100 contacts. All have intervals of coverage `level`, and are
    None where there are too few observations.
    """

    action: str | None
    level: float
    contacted: ArmCount
    held_out: ArmCount
    absolute: Estimate | None
    relative: Estimate | None
    per_100: Estimate | None

    @property
    def verdict(self) -> Verdict:
        """Conclusion from the interval of `absolute`."""
        if self.absolute is None:
            return Verdict.TOO_FEW
        if self.absolute.high < 0:
            return Verdict.PREVENTS
        return Verdict.HARMS if self.absolute.low > 0 else Verdict.UNCLEAR
