"""Dependencies of the request guard: authentication, rate limits, audit writer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.policy import Principal
from serving.guard.authentication import Authenticator
from serving.guard.permissions import ADMIN_PREFIX
from serving.guard.rate_limits import Limits
from serving.guard.tokens import Tokens
from serving.http.group_commit import GroupCommit
from store.access.audit import AuditRow, write_rows_async
from store.db.async_statements import AsyncPool
from store.db.engine import Engine


@dataclass(frozen=True)
class GuardContext:
    """Dependencies of the guard, one instance per process. Opens no connection before the first request."""

    authenticator: Authenticator
    tokens: Tokens
    limits: Limits
    audit_rows: GroupCommit[Sequence[AuditRow], None]
    now: Callable[[], datetime]

    async def audit(self, principal: Principal, action: str, subjects: Sequence[str | None], request_id: str) -> None:
        """Write an audit row for each subject and wait until they are committed. Raises DatabaseUnavailable."""
        now = self.now()
        await self.audit_rows.submit(
            [AuditRow(now, principal.id, principal.role, action, subject, request_id) for subject in subjects]
        )

    def close(self) -> None:
        """Stop listening for changes of keys and finish pending writes."""
        self.authenticator.close()


def open_guard_context(
    engine: Engine,
    pool: AsyncPool,
    installation_key: str,
    token_secret: str,
    limits: Limits,
    now: Callable[[], datetime],
) -> GuardContext:
    """Create the context of one process and start listening for changes of keys."""

    async def write(groups: list[Sequence[AuditRow]]) -> list[None]:
        rows = [row for group in groups for row in group]
        await write_rows_async(pool, rows, wait_for_disk=any(_is_change(row) for row in rows))
        return [None] * len(groups)

    tokens = Tokens(token_secret)
    authenticator = Authenticator(engine, installation_key, tokens, now)
    authenticator.start()
    return GuardContext(authenticator, tokens, limits, GroupCommit(write), now)


def _is_change(row: AuditRow) -> bool:
    """Whether the row records a request to `/api/admin/`, rather than a read of scores."""
    return ADMIN_PREFIX in row.action
