"""Everything the guard decides with: who calls, how often they may, and what is written down of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.policy import Principal
from serving.guard.authentication import Callers
from serving.guard.permissions import ADMIN_PREFIX
from serving.guard.rate_limits import Limits
from serving.guard.tokens import Tokens
from serving.http.group_commit import Grouped
from store.access.audit import AuditRow, write_rows_async
from store.db.async_statements import AsyncPool
from store.db.engine import Engine


@dataclass(frozen=True)
class Door:
    """One for each process. Opens no connection before it is asked for something."""

    callers: Callers
    tokens: Tokens
    limits: Limits
    rows: Grouped[Sequence[AuditRow], None]
    now: Callable[[], datetime]

    async def write_down(
        self, principal: Principal, action: str, subjects: Sequence[str | None], request_id: str
    ) -> None:
        """Write a row for each subject, and wait until they are in the database. Raises DatabaseUnavailable."""
        now = self.now()
        await self.rows.submit(
            [AuditRow(now, principal.id, principal.role, action, subject, request_id) for subject in subjects]
        )

    def close(self) -> None:
        """Stop listening for changes of keys, and write what is still to be written."""
        self.callers.close()


def open_door(
    engine: Engine,
    pool: AsyncPool,
    installation_key: str,
    token_secret: str,
    limits: Limits,
    now: Callable[[], datetime],
) -> Door:
    """The door of one process, which begins to listen for changes of keys."""

    async def write(groups: list[Sequence[AuditRow]]) -> list[None]:
        rows = [row for group in groups for row in group]
        await write_rows_async(pool, rows, wait_for_disk=any(_is_act(row) for row in rows))
        return [None] * len(groups)

    tokens = Tokens(token_secret)
    callers = Callers(engine, installation_key, tokens, now)
    callers.start()
    return Door(callers, tokens, limits, Grouped(write), now)


def _is_act(row: AuditRow) -> bool:
    """Whether an administrator did something, rather than somebody read something."""
    return ADMIN_PREFIX in row.action
