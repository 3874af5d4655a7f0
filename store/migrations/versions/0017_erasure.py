"""Tables of erasures, and the only way to remove content from append-only tables."""

from pathlib import Path

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Create the tables, columns, indexes and functions."""
    _run("0017_erasure.up.sql")


def downgrade() -> None:
    """Drop them. Erased data stays erased; the tombstones are lost."""
    _run("0017_erasure.down.sql")


def _run(name: str) -> None:
    op.execute(Path(__file__).with_name(name).read_text(encoding="utf-8"))
