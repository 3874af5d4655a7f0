"""Scores of the kind `sessions_at_risk`: an expected count out of a number of booked sessions."""

from pathlib import Path

from alembic import op

revision = "0019a"
down_revision = "0019"


def upgrade() -> None:
    """Allow the kind and add the column `out_of`."""
    _run("0019a_sessions_at_risk.up.sql")


def downgrade() -> None:
    """Delete the scores of the kind and drop the column."""
    _run("0019a_sessions_at_risk.down.sql")


def _run(name: str) -> None:
    op.execute(Path(__file__).with_name(name).read_text(encoding="utf-8"))
