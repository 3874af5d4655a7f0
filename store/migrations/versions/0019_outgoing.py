"""Outgoing: one queue of messages for mail and webhooks, and one cursor per consumer of score changes."""

from pathlib import Path

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Move mails and webhooks into one queue."""
    _run("0019_outgoing.up.sql")


def downgrade() -> None:
    """Move mails and webhooks back into two tables."""
    _run("0019_outgoing.down.sql")


def _run(name: str) -> None:
    op.execute(Path(__file__).with_name(name).read_text(encoding="utf-8"))
