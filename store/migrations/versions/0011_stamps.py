"""Stamp of a tutor's history, changed by every write."""

from pathlib import Path

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the stamp."""
    _run("0011_stamps.up.sql")


def downgrade() -> None:
    """Drop it."""
    _run("0011_stamps.down.sql")


def _run(name: str) -> None:
    op.execute(Path(__file__).with_name(name).read_text(encoding="utf-8"))
