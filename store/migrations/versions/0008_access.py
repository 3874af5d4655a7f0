"""API keys, audit log and rate-limit counters."""

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create the tables."""
    _run("0008_access.up.sql")


def downgrade() -> None:
    """Drop them, with their data."""
    _run("0008_access.down.sql")


def _run(name: str) -> None:
    op.execute(Path(__file__).with_name(name).read_text(encoding="utf-8"))
