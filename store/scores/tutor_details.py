"""Reschedules and gate decisions for the dashboard."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, select, text

from domain.promotion import Action
from domain.vocabulary import Party, ReasonCode, Task
from store.db.engine import reading
from store.schema.tables import model_ledger, reschedules


@dataclass(frozen=True)
class Reschedule:
    """A reschedule with its initiator and reason."""

    requested_at: datetime
    initiator: Party
    old_starts_at: datetime
    new_starts_at: datetime
    reason_text: str | None
    reason_code: ReasonCode | None


def tutor_reschedules(engine: Engine, tutor_id: str, limit: int = 100) -> list[Reschedule]:
    """The last reschedules of a tutor's sessions by any initiator, newest first. Raises DatabaseUnavailable."""
    columns = (reschedules.c[name] for name in Reschedule.__dataclass_fields__)
    theirs = select(*columns).where(reschedules.c.tutor_id == tutor_id)
    newest = theirs.order_by(reschedules.c.requested_at.desc()).limit(limit)
    with reading(engine) as connection:
        return [Reschedule(*row) for row in connection.execute(newest)]


def any_model(engine: Engine) -> bool:
    """Return whether any model was ever champion. Raises DatabaseUnavailable."""
    serving = select(model_ledger.c.id).where(model_ledger.c.action == Action.CHAMPION)
    with reading(engine) as connection:
        return connection.execute(serving.limit(1)).first() is not None


@dataclass(frozen=True)
class NewestDecision:
    """The newest decision about the models of a task."""

    name: Task
    version: str
    action: Action
    reason: str
    at: datetime


def newest_decisions(engine: Engine) -> list[NewestDecision]:
    """The newest decision about each task, sorted by name. Raises DatabaseUnavailable."""
    query = text("SELECT name, version, action, reason, at FROM newest_decisions ORDER BY name")
    with reading(engine) as connection:
        rows = connection.execute(query)
        return [NewestDecision(Task(row.name), row.version, Action(row.action), row.reason, row.at) for row in rows]
