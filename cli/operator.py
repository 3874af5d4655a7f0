"""Who runs a command, and the row in the audit that an act of theirs leaves."""

import getpass
from collections.abc import Iterable
from typing import TYPE_CHECKING

from domain.policy import Principal, Role

if TYPE_CHECKING:
    from store.database import Engine


def operator() -> Principal:
    """Whoever may run the command may do everything; the audit says which account of the machine it was."""
    return Principal(f"tqs:{getpass.getuser()}", Role.ADMIN)


def write_down(engine: "Engine", action: str, subjects: Iterable[object]) -> None:
    """Write what was done, a row for each subject. Raises DatabaseUnavailable."""
    from gateways.clock import utc_now
    from store.audit import AuditRow, write_rows

    who, now = operator(), utc_now()
    write_rows(engine, [AuditRow(now, who.id, who.role, action, str(subject)) for subject in subjects])
