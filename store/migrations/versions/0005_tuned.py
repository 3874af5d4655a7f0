"""Tuned parameters for later trainings."""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the table."""
    _run("0005_tuned.up.sql")


def downgrade() -> None:
    """Drop it, with all tuned parameters: trainings use the defaults again."""
    _run("0005_tuned.down.sql")


def _run(name: str) -> None:
    op.execute(Path(__file__).with_name(name).read_text(encoding="utf-8"))
