"""What-if of a score: the change that would lower it most."""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column and show it in the views of scores."""
    _run("0004_what_if.up.sql")


def downgrade() -> None:
    """Drop the column, with all what-ifs."""
    _run("0004_what_if.down.sql")


def _run(name: str) -> None:
    op.execute(Path(__file__).with_name(name).read_text(encoding="utf-8"))
