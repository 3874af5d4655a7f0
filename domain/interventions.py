"""Contacts: who is called about tomorrow's sessions, who is left out on purpose, and what the calls were worth."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType

from domain.errors import ContactClosed


class Arm(StrEnum):
    """What chance decided for a tutor on the list of a day: to be contacted, or to be left out for comparison."""

    CONTACT = "contact"
    HOLDOUT = "holdout"


class ContactStatus(StrEnum):
    """How a contact stands."""

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
"""The life of a contact: what may follow what."""


def can_become(status: ContactStatus, to: ContactStatus) -> bool:
    """Whether a contact may go from one status to another."""
    return to in TRANSITIONS[status]


def check_becomes(contact: int, status: ContactStatus, to: ContactStatus) -> None:
    """Raise ContactClosed, with what is possible, unless the contact may go from one status to another."""
    if can_become(status, to):
        return
    possible = ", ".join(sorted(TRANSITIONS[status])) or "nothing more"
    raise ContactClosed(f"contact {contact} is {status} and cannot become {to}; from {status} it can become {possible}")


@dataclass(frozen=True)
class PlannedSession:
    """A session a contact is about, with its start and its risk of a no-show (0..1) as they were at planning."""

    session_id: str
    starts_at: datetime
    risk: float


@dataclass(frozen=True)
class PlannedContact:
    """One tutor on the list of a day. `expected_prevented` no-shows is None while the effect is not known."""

    tutor_id: str
    arm: Arm
    action: str
    rank: int
    expected_prevented: float | None
    sessions: tuple[PlannedSession, ...]

    @property
    def risk(self) -> float:
        """No-shows expected among the sessions if nothing is done."""
        return sum(session.risk for session in self.sessions)


@dataclass(frozen=True)
class ContactPlan:
    """The list of a day, both arms, and what it was drawn with."""

    day: date
    capacity: int
    holdout_share: float
    seed: int
    contacts: tuple[PlannedContact, ...]


@dataclass(frozen=True)
class ContactOutcome:
    """What came of one session on a list, whichever arm its tutor was in.

    `missed` is a no-show at the start that was planned: a session called off or moved in time is not missed.
    """

    contact_id: int
    tutor_id: str
    action: str
    arm: Arm
    risk: float
    missed: bool


@dataclass(frozen=True)
class Estimate:
    """A value with the ends of its interval."""

    value: float
    low: float
    high: float


class Verdict(StrEnum):
    """What the interval of an effect lets us say."""

    TOO_FEW = "too few to say"
    PREVENTS = "prevents no-shows"
    UNCLEAR = "no clear effect"
    HARMS = "more no-shows"


@dataclass(frozen=True)
class ArmCount:
    """How much was seen of one arm."""

    contacts: int
    sessions: int
    tutors: int
    no_shows: int


@dataclass(frozen=True)
class Effect:
    """What contacting does, by intention to treat; `action` None stands for all actions together.

    `absolute`: difference of the no-show share, contacted minus held out (negative is good). `relative`: share of
    no-shows prevented. `per_100`: no-shows prevented by 100 contacts. All with intervals of coverage `level`; None
    where there are too few to say.
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
        """What can be said."""
        if self.absolute is None:
            return Verdict.TOO_FEW
        if self.absolute.high < 0:
            return Verdict.PREVENTS
        return Verdict.HARMS if self.absolute.low > 0 else Verdict.UNCLEAR
