"""Inbox of events, and the latest event about each record."""

from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the tables."""
    _run("0007_inbox.up.sql")


def downgrade() -> None:
    """Drop them, with their data."""
    _run("0007_inbox.down.sql")


def _run(name: str) -> None:
    op.execute(Path(__file__).with_name(name).read_text(encoding="utf-8"))
