"""Threshold of the band Act, stored with the score."""

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column and show it in the views of scores."""
    _run("0006_act.up.sql")


def downgrade() -> None:
    """Drop the column: one threshold for all."""
    _run("0006_act.down.sql")


def _run(name: str) -> None:
    op.execute(Path(__file__).with_name(name).read_text(encoding="utf-8"))
