"""Contact plans with their random arms, contact events, outcomes and measured effects.

A plan is stored before it is shown, rows are never changed, and only outcomes are read of the holdout arm.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, insert, select, text
from sqlalchemy.dialects.postgresql import insert as insert_or

from domain.errors import UnknownSubject
from domain.interventions import (
    Arm,
    ArmCount,
    ContactOutcome,
    ContactPlan,
    ContactStatus,
    Effect,
    Estimate,
    PlannedContact,
    check_becomes,
)
from store.db.engine import reading, writing
from store.schema.contacts import contact_effects, contact_events, contact_plans, contact_sessions, contacts

PLANNER = "planner"
"""Actor of the planning in contact events."""

_LISTED = text("SELECT * FROM listed_contacts WHERE day = :day ORDER BY place")
_OUTCOMES = text("""
    SELECT contact_id, tutor_id, action, arm, risk, missed FROM contact_outcomes
    WHERE day < :before ORDER BY contact_id, risk
""")
_LAST = text("""
    SELECT (SELECT status FROM contact_events WHERE contact_id = contacts.id ORDER BY id DESC LIMIT 1)
    FROM contacts WHERE id = :contact_id AND arm = 'contact' FOR UPDATE OF contacts
""")


@dataclass(frozen=True)
class ListedContact:
    """One contact of a day, as listed. `risk` is the number of expected no-shows."""

    id: int
    day: date
    place: int
    tutor_id: str
    name: str
    timezone: str | None
    action: str
    expected_prevented: float | None
    sessions: int
    first_starts_at: datetime
    risk: float
    status: ContactStatus
    actor: str
    at: datetime
    note: str | None


@dataclass(frozen=True)
class MeasuredEffects:
    """Measured effects of contacts at a moment: overall and by action."""

    measured_at: datetime
    overall: Effect
    by_action: tuple[Effect, ...]

    def of(self, action: str | None) -> Effect:
        """Effect of an action if it could be estimated, otherwise of all contacts."""
        own = next((effect for effect in self.by_action if effect.action == action), None)
        return own if own and own.absolute else self.overall


def save_plan(engine: Engine, plan: ContactPlan, now: datetime) -> bool:
    """Store the plan of a day. Returns False, and stores nothing, if the day has one. Raises DatabaseUnavailable."""
    values = {name: getattr(plan, name) for name in ("day", "capacity", "holdout_share", "seed")}
    row = insert_or(contact_plans).values(**values, made_at=now).on_conflict_do_nothing(index_elements=["day"])
    with writing(engine) as connection:
        if connection.execute(row).rowcount == 0:
            return False
        # The holdout arm comes last, so that gaps in the ids of the others do not reveal its size.
        for contact in sorted(plan.contacts, key=lambda contact: contact.arm is Arm.HOLDOUT):
            _save_contact(connection, plan.day, contact, now)
    return True


def _save_contact(connection: Connection, day: date, planned: PlannedContact, now: datetime) -> None:
    values = {name: getattr(planned, name) for name in ("tutor_id", "arm", "action", "rank", "expected_prevented")}
    contact_id = connection.execute(insert(contacts).values(day=day, **values).returning(contacts.c.id)).scalar_one()
    connection.execute(insert(contact_sessions), [{"contact_id": contact_id, **asdict(s)} for s in planned.sessions])
    _add_event(connection, contact_id, ContactStatus.PLANNED, PLANNER, None, now)


def has_plan(engine: Engine, day: date) -> bool:
    """Return whether the plan of a day is stored. Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        return connection.execute(select(contact_plans.c.day).where(contact_plans.c.day == day)).first() is not None


def last_planned_day(engine: Engine) -> date | None:
    """The newest day with a plan; None before the first. Raises DatabaseUnavailable."""
    newest = select(contact_plans.c.day).order_by(contact_plans.c.day.desc()).limit(1)
    with reading(engine) as connection:
        return connection.execute(newest).scalar()


def listed_contacts(engine: Engine, day: date) -> list[ListedContact]:
    """Contacts to make about the sessions of a day, most valuable first. Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        return [_listed(row) for row in connection.execute(_LISTED, {"day": day})]


def _listed(row: Row[Any]) -> ListedContact:
    return ListedContact(**{**row._mapping, "status": ContactStatus(row.status)})


def record_contact(
    engine: Engine, contact_id: int, to: ContactStatus, actor: str, now: datetime, note: str | None = None
) -> None:
    """Record that a tutor was contacted, or could not be reached, and by whom.

    Raises UnknownSubject for a contact that is not listed, ContactClosed after a final status.
    """
    with writing(engine) as connection:
        status = connection.execute(_LAST, {"contact_id": contact_id}).scalar()
        if status is None:
            raise UnknownSubject(f"contact {contact_id}: it is on no list; `tqs contacts list` shows those there are")
        check_becomes(contact_id, ContactStatus(status), to)
        _add_event(connection, contact_id, to, actor, note, now)


def _add_event(
    connection: Connection, contact_id: int, status: ContactStatus, actor: str, note: str | None, now: datetime
) -> None:
    event = {"contact_id": contact_id, "status": status, "actor": actor, "note": note, "at": now}
    connection.execute(insert(contact_events).values(event))


def contact_outcomes(engine: Engine, before: date) -> list[ContactOutcome]:
    """Outcomes of all sessions on plans of days before one, in both arms. Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        rows = connection.execute(_OUTCOMES, {"before": before})
        return [ContactOutcome(**{**row._mapping, "arm": Arm(row.arm)}) for row in rows]


def save_effects(engine: Engine, effects: Sequence[Effect], now: datetime) -> None:
    """Store measured effects, the overall effect first. Raises DatabaseUnavailable."""
    row = {"measured_at": now, "effects": [asdict(effect) for effect in effects]}
    with writing(engine) as connection:
        connection.execute(insert(contact_effects).values(row))


def measured_effects(engine: Engine) -> MeasuredEffects | None:
    """The newest measured effects; None before the first measurement. Raises DatabaseUnavailable."""
    columns = (contact_effects.c.measured_at, contact_effects.c.effects)
    with reading(engine) as connection:
        row = connection.execute(select(*columns).order_by(contact_effects.c.id.desc()).limit(1)).first()
    if row is None:
        return None
    overall, *by_action = (_effect(stored) for stored in row.effects)
    return MeasuredEffects(row.measured_at, overall, tuple(by_action))


def _effect(stored: dict[str, Any]) -> Effect:
    arms = {name: ArmCount(**stored[name]) for name in ("contacted", "held_out")}
    names = ("absolute", "relative", "per_100")
    return Effect(**stored | arms | {name: Estimate(**stored[name]) if stored[name] else None for name in names})
