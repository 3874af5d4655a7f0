"""Retention: deletion of old rows, and its progress."""

from pathlib import Path

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Permit the retention sweep to delete old rows."""
    _run("0018_retention.up.sql")


def downgrade() -> None:
    """Reject every deletion again."""
    _run("0018_retention.down.sql")


def _run(name: str) -> None:
    op.execute(Path(__file__).with_name(name).read_text(encoding="utf-8"))
