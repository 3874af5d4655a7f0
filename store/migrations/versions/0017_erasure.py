"""Tables of erased people, and the one way in which append-only tables may lose content."""

from pathlib import Path

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Make the tables, columns, indexes and functions."""
    _run("0017_erasure.up.sql")


def downgrade() -> None:
    """Drop them. What was erased stays erased; which ids were erased is lost."""
    _run("0017_erasure.down.sql")


def _run(name: str) -> None:
    op.execute(Path(__file__).with_name(name).read_text(encoding="utf-8"))
