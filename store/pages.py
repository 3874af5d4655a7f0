"""What the dashboard shows beside the views."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, select

from domain.vocabulary import Party, ReasonCode
from store.database import reading
from store.tables import model_ledger, reschedules


@dataclass(frozen=True)
class Reschedule:
    """A session that was moved, who asked for it and why."""

    requested_at: datetime
    initiator: Party
    old_starts_at: datetime
    new_starts_at: datetime
    reason_text: str | None
    reason_code: ReasonCode | None


def tutor_reschedules(engine: Engine, tutor_id: str, limit: int = 100) -> list[Reschedule]:
    """The last reschedules of a tutor's sessions, whoever asked for them, newest first. Raises DatabaseUnavailable."""
    columns = (reschedules.c[name] for name in Reschedule.__dataclass_fields__)
    theirs = select(*columns).where(reschedules.c.tutor_id == tutor_id)
    newest = theirs.order_by(reschedules.c.requested_at.desc()).limit(limit)
    with reading(engine) as connection:
        return [Reschedule(*row) for row in connection.execute(newest)]


def any_model(engine: Engine) -> bool:
    """Whether any model has ever been made champion. Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        return connection.execute(select(model_ledger.c.id).limit(1)).first() is not None
