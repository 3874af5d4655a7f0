"""First schema, in SQL, as views, triggers and functions have no other readable form."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table, trigger and view."""
    _run("0001_first.up.sql")


def downgrade() -> None:
    """Drop them, with all data."""
    _run("0001_first.down.sql")


def _run(name: str) -> None:
    op.execute(Path(__file__).with_name(name).read_text(encoding="utf-8"))
