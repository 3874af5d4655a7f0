"""Declarations of a dataset file that training and scoring read: histories of groups, and when sessions are asked."""

from pathlib import Path

from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Add the columns, empty: nothing is declared."""
    _run("0021_declarations.up.sql")


def downgrade() -> None:
    """Drop them. The next import declares them again."""
    _run("0021_declarations.down.sql")


def _run(name: str) -> None:
    op.execute(Path(__file__).with_name(name).read_text(encoding="utf-8"))
