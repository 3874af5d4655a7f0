"""Index for the erasure of tutors."""

from pathlib import Path

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Create the index."""
    _run("0010_forget.up.sql")


def downgrade() -> None:
    """Drop it."""
    _run("0010_forget.down.sql")


def _run(name: str) -> None:
    op.execute(Path(__file__).with_name(name).read_text(encoding="utf-8"))
