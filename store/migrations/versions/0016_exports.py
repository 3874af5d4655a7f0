"""The moment of the export from which a row was last written."""

from pathlib import Path

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add the moments."""
    _run("0016_exports.up.sql")


def downgrade() -> None:
    """Drop them."""
    _run("0016_exports.down.sql")


def _run(name: str) -> None:
    op.execute(Path(__file__).with_name(name).read_text(encoding="utf-8"))
