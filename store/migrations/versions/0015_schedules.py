"""Schedules, runs of flows and heartbeats of workers."""

from pathlib import Path

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add the tables."""
    _run("0015_schedules.up.sql")


def downgrade() -> None:
    """Drop them."""
    _run("0015_schedules.down.sql")


def _run(name: str) -> None:
    op.execute(Path(__file__).with_name(name).read_text(encoding="utf-8"))
