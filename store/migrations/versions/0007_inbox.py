"""Events as they come, and the state of things by their latest event."""

from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables."""
    _run("0007_inbox.up.sql")


def downgrade() -> None:
    """Drop them, with what only they hold."""
    _run("0007_inbox.down.sql")


def _run(name: str) -> None:
    op.execute(Path(__file__).with_name(name).read_text(encoding="utf-8"))
