"""Retention: old rows may be deleted, and how far that has come."""

from pathlib import Path

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Let the retention sweep delete what is old."""
    _run("0018_retention.up.sql")


def downgrade() -> None:
    """Refuse every deletion again."""
    _run("0018_retention.down.sql")


def _run(name: str) -> None:
    op.execute(Path(__file__).with_name(name).read_text(encoding="utf-8"))
