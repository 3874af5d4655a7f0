"""Log of score changes, webhooks to the Rails app, and quality requests."""

from pathlib import Path

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Create the tables."""
    _run("0009_changes.up.sql")


def downgrade() -> None:
    """Drop them, with their data."""
    _run("0009_changes.down.sql")


def _run(name: str) -> None:
    op.execute(Path(__file__).with_name(name).read_text(encoding="utf-8"))
